"""The value types of the settings: what a text or a number must be to be taken.

For: the records of ``kernel.settings``. Not for: data values (``records.contracts`` judges those).
See: ``kernel.settings_sources`` for how a refusal is worded.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

LoginRole = Literal["owner", "ingest", "analyst", "query", "reader", "ml", "auditor", "backup"]
"""The roles that have a login of their own."""

OFF = "off"
"""What a schedule that never runs is set to."""

_CRON_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_CRON_NAMES = {
    "month": {name: number for number, name in enumerate(_MONTHS, start=1)},
    "day of week": {name: number for number, name in enumerate(_DAYS)},
}
_CRON_PART = re.compile(r"(?P<low>\*|\w+)(-(?P<high>\w+))?(/(?P<step>[1-9][0-9]*))?")


@dataclass(frozen=True, slots=True)
class Variable:
    """The environment variable that fills a field; ``{ROLE}`` stands for a login role."""

    name: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a field takes, in words, where type and range do not say it."""

    words: str


def _refuse_truth_value(value: object) -> object:
    """Keep ``True`` from being read as the number 1."""
    if isinstance(value, bool):
        raise ValueError("a truth value is not a number")
    return value


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError(f"no home folder is known for {path.parts[0]}") from None


def _cron_number(field: str, text: str, low: int, high: int) -> int:
    number = _CRON_NAMES.get(field, {}).get(text.lower())
    if number is None and text.isascii() and text.isdigit():
        number = int(text)
    if number is None or not low <= number <= high:
        raise ValueError(f"the {field} field takes {low} to {high}, ranges, lists and steps")
    return number


def _check_cron(expression: str) -> str:
    if expression.strip().lower() == OFF:
        return OFF
    fields = expression.split()
    if len(fields) != len(_CRON_FIELDS):
        names = ", ".join(name for name, _, _ in _CRON_FIELDS)
        raise ValueError(f"{len(fields)} fields found where a schedule has five: {names}")
    for text, (name, low, high) in zip(fields, _CRON_FIELDS, strict=True):
        for part in text.split(","):
            match = _CRON_PART.fullmatch(part)
            if match is None or (match["low"] == "*" and match["high"]):
                raise ValueError(f"the {name} field takes {low} to {high}, ranges, lists and steps")
            if match["low"] == "*":
                continue
            first = _cron_number(name, match["low"], low, high)
            if match["high"] and _cron_number(name, match["high"], low, high) < first:
                raise ValueError(f"the {name} field has a range that ends before it starts")
    return " ".join(fields)


def _check_key(key: SecretStr) -> SecretStr:
    if re.fullmatch(r"[0-9a-fA-F]{64}", key.get_secret_value().strip()) is None:
        raise ValueError("`openssl rand -hex 32` makes such a key")
    return SecretStr(key.get_secret_value().strip().lower())


def _check_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        port = parts.port
    except ValueError:
        raise ValueError("no address could be read from it") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("the address must begin with postgresql://")
    if len(parts.path) < 2:
        raise ValueError("the address names no database after the host")
    if port == 0:
        raise ValueError("the address has port 0; ports go from 1 to 65535")
    return url


def _check_host(host: str) -> str:
    if not host or "://" in host or "@" in host or any(mark.isspace() for mark in host):
        raise ValueError("a whole address belongs in ANALYTICS_DB_URL")
    return host


def _check_addresses(text: str) -> str:
    addresses = [part.strip() for part in text.split(",")]
    # A line break would start a header of its own in a message.
    if not all(re.fullmatch(r"[^@\s,<>]+@[^@\s,<>]+", address) for address in addresses):
        raise ValueError("each must read like name@example.org")
    return ", ".join(addresses)


def _check_words(text: str) -> str:
    words = [part.strip().lower() for part in text.split(",")]
    if not all(re.fullmatch(r"[a-z0-9._+-]{1,64}", word) for word in words):
        raise ValueError("each is one word of letters, digits and . _ + -")
    return ", ".join(words)


def _check_web_address(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the address must begin with http:// or https:// and name a host")
    return url


Whole = Annotated[int, BeforeValidator(_refuse_truth_value)]
Number = Annotated[float, BeforeValidator(_refuse_truth_value)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute), Allowed("a path")]
Schedule = Annotated[str, AfterValidator(_check_cron), Allowed("five cron fields, in UTC")]
HexKey = Annotated[SecretStr, AfterValidator(_check_key)]
ServerAddress = Annotated[SecretStr, AfterValidator(_check_url)]
Host = Annotated[str, AfterValidator(_check_host)]
Addresses = Annotated[str, AfterValidator(_check_addresses)]
Words = Annotated[str, AfterValidator(_check_words)]
WebAddress = Annotated[SecretStr, AfterValidator(_check_web_address)]
