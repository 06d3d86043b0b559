"""Mappings read from TOML, with every unknown key refused.

For: the command line, ingestion, tests. Not for: what the parts mean (``files.mapping_records``).
"""

import collections.abc
import string
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ioc_analytics.files.instruments import builtin_instruments, parse_instrument
from ioc_analytics.files.mapping_records import (
    AssessmentSource,
    Duration,
    Field,
    ItemSource,
    Mapping,
    StatusRule,
    TimeFormat,
    TimeSource,
)
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.organizations import read_organizations
from ioc_analytics.records.times import format_pattern
from ioc_analytics.records.vocabularies import ASSESSMENT_STATUSES, RESPONSE_STATUSES

__all__ = ["Mapping", "load_mapping", "parse_mapping"]

_SECONDS: Final = {"milliseconds": 0.001, "seconds": 1.0, "minutes": 60.0}
_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")
_RESPONDENT: Final = (
    "response_id",
    "respondent_id",
    "email",
    "country",
    "age",
    "birth_year",
    "gender",
    "device_type",
    "user_agent",
)
_ORGANIZATION: Final = (
    "organization_id",
    "organization_name",
    "industry",
    "employee_count",
    "country",
)
_FIELD_TYPES: Final = {
    "column": str,
    "constant": (str, int, float),
    "values": dict,
    "missing": list,
}
_TOP_TYPES: Final = {
    "name": str,
    "title": str,
    "source": str,
    "files": list,
    "ignore": list,
    "instrument": (str, dict),
    "assessment": dict,
    "organizations": dict,
    "respondent": dict,
    "time": dict,
    "duration": dict,
    "items": dict,
    "status": dict,
}


def load_mapping(path: Path) -> Mapping:
    """Read a mapping from a TOML file.

    Raises:
        InvalidInput: The file cannot be read, a key is unknown (the nearest known one is named), or
            the mapping contradicts itself or its instrument.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"mapping {path.name} cannot be read: {error}") from error
    return parse_mapping(text, path.stem)


def parse_mapping(text: str, name: str = "mapping") -> Mapping:
    """Build a mapping from TOML text; ``name`` is used unless the text gives one."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"mapping {name} is no TOML: {error}") from error
    where = f"mapping {table.get('name', name)}"
    _check(table, _TOP_TYPES, where, required=("assessment", "time"))
    instrument = _instrument(table, where)
    started, completed = _times(table["time"], f"{where}, [time]")
    items = _items(table.get("items"), instrument, f"{where}, [items]")
    status, incomplete = _status(table.get("status", {}), items, completed, f"{where}, [status]")
    respondent = _fields(table.get("respondent", {}), _RESPONDENT, f"{where}, [respondent]")
    return Mapping(
        name=table.get("name", name),
        text=text,
        files=tuple(table.get("files", ())),
        ignore=tuple(table.get("ignore", ())),
        instrument=instrument,
        is_own_instrument=isinstance(table.get("instrument"), dict),
        assessment=_assessment(table["assessment"], started, f"{where}, [assessment]"),
        organizations=read_organizations(
            table.get("organizations", {}), f"{where}, [organizations]"
        ),
        respondent=respondent,
        started=started,
        completed=completed,
        duration=_duration(table.get("duration"), f"{where}, [duration]"),
        items=items,
        status=status,
        incomplete_status=incomplete,
    )


def _check(
    table: collections.abc.Mapping[str, Any],
    types: collections.abc.Mapping[str, Any],
    where: str,
    required: tuple[str, ...] = (),
) -> None:
    for key, value in table.items():
        if key not in types:
            raise InvalidInput(f"{where}: unknown key {key!r}{did_you_mean(key, types)}")
        if not isinstance(value, types[key]) or (
            isinstance(value, bool) and types[key] is not bool
        ):
            raise InvalidInput(f"{where}: {key} has the wrong type ({type(value).__name__})")
        if isinstance(value, list) and not all(isinstance(e, str | int | float) for e in value):
            raise InvalidInput(f"{where}: {key} must be a list of texts")
    missing = [key for key in required if key not in table]
    if missing:
        raise InvalidInput(f"{where}: {', '.join(missing)} must be given")


def _instrument(table: collections.abc.Mapping[str, Any], where: str) -> Instrument | None:
    given = table.get("instrument")
    if given is None:
        return None
    if isinstance(given, dict):
        return parse_instrument(given)
    known = builtin_instruments()
    if given not in known:
        raise InvalidInput(
            f"{where}: unknown instrument {given!r}{did_you_mean(given, known)}; "
            f"known: {', '.join(known)}. A mapping may define its own in [instrument]"
        )
    return known[given]


def _assessment(
    table: collections.abc.Mapping[str, Any], started: TimeSource, where: str
) -> AssessmentSource:
    own = {"id": str, "created_at": (date, str), "type": str, "status": str}
    fields = dict.fromkeys(_ORGANIZATION, (str, dict))
    _check(table, own | fields, where, required=("id", "organization_id"))
    created = _moment(table["created_at"], where) if "created_at" in table else started.fixed
    if created is None:
        raise InvalidInput(f"{where}: created_at must be given, as [time] is not fixed")
    status = table.get("status", "closed")
    _check_word(status, ASSESSMENT_STATUSES, where)
    given = {key: value for key, value in table.items() if key in fields}
    return AssessmentSource(
        id=table["id"],
        created_at=created,
        type=table.get("type"),
        status=status,
        fields=_fields(given, _ORGANIZATION, where),
    )


def _fields(
    table: collections.abc.Mapping[str, Any], known: tuple[str, ...], where: str
) -> dict[str, Field]:
    _check(table, dict.fromkeys(known, (str, dict)), where)
    return {key: _field(value, f"{where}, {key}") for key, value in table.items()}


def _field(value: str | dict[str, Any], where: str) -> Field:
    if isinstance(value, str):
        return Field(column=value)
    _check(value, _FIELD_TYPES, where)
    if ("column" in value) is ("constant" in value):
        raise InvalidInput(f"{where}: give either column or constant")
    constant = value.get("constant")
    return Field(
        column=value.get("column"),
        constant=None if constant is None else str(constant),
        values={str(key): str(word) for key, word in value.get("values", {}).items()} or None,
        missing=_codes(value),
    )


def _codes(table: collections.abc.Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(code) for code in table.get("missing", ()))


def _times(
    table: collections.abc.Mapping[str, Any], where: str
) -> tuple[TimeSource, TimeSource | None]:
    _check(table, {"started": (str, dict, date), "completed": (str, dict)}, where, ("started",))
    started = _time(table["started"], f"{where}, started")
    completed = table.get("completed")
    return started, None if completed is None else _time(completed, f"{where}, completed")


def _time(value: str | date | dict[str, Any], where: str) -> TimeSource:
    if isinstance(value, str):
        return TimeSource(column=value)
    if isinstance(value, date):
        return TimeSource(fixed=_moment(value, where))
    types = {
        "column": str,
        "format": str,
        "parts": dict,
        "year_offset": int,
        "month_offset": int,
        "zone": str,
    }
    _check(value, types, where)
    if ("column" in value) is ("parts" in value):
        raise InvalidInput(f"{where}: give either column or parts (or a date, for all rows)")
    if "parts" in value:
        _check(value["parts"], dict.fromkeys(_PARTS, str), f"{where}, parts", ("year",))
    time_format = value.get("format", TimeFormat.ISO.value)
    if time_format not in list(TimeFormat):
        if "%" not in time_format:
            hint = did_you_mean(time_format, [known.value for known in TimeFormat])
            raise InvalidInput(f"{where}: unknown format {time_format!r}{hint}")
        format_pattern(time_format)
    zone = value.get("zone", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInput(f"{where}: unknown zone {zone!r}") from error
    return TimeSource(**{**value, "format": time_format, "zone": zone})


def _moment(value: date | str, where: str) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise InvalidInput(f"{where}: {value!r} is no date") from error
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _duration(table: collections.abc.Mapping[str, Any] | None, where: str) -> Duration | None:
    if table is None:
        return None
    _check(table, {"columns": list, "unit": str, "missing": list}, where, ("columns", "unit"))
    return Duration(tuple(table["columns"]), _unit(table["unit"], where), _codes(table))


def _unit(unit: str, where: str) -> float:
    if unit not in _SECONDS:
        raise InvalidInput(f"{where}: unknown unit {unit!r}{did_you_mean(unit, _SECONDS)}")
    return _SECONDS[unit]


def _items(
    table: collections.abc.Mapping[str, Any] | None, instrument: Instrument | None, where: str
) -> ItemSource | None:
    if table is None:
        if instrument is not None:
            raise InvalidInput(f"{where} must say in which columns {instrument.name} stands")
        return None
    if instrument is None:
        raise InvalidInput(f"{where}: the mapping names no instrument")
    types = {
        "pattern": str,
        "prefixes": dict,
        "columns": dict,
        "time_pattern": str,
        "time_unit": str,
        "missing": list,
        "keyed": bool,
    }
    _check(table, types, where)
    columns = _item_columns(table, instrument, where)
    times: dict[str, str] = {}
    if "time_pattern" in table:
        for code, column in columns.items():
            names = {"column": column, **_code_parts(code, table.get("prefixes", {}), where)}
            times[code] = _fill(table["time_pattern"], names, where)
    unit = _unit(table.get("time_unit", "milliseconds"), where)
    return ItemSource(columns, times, unit * 1000, _codes(table), table.get("keyed", False))


def _item_columns(
    table: collections.abc.Mapping[str, Any], instrument: Instrument, where: str
) -> dict[str, str]:
    codes = instrument.item_codes
    if "columns" not in table:
        prefixes = table.get("prefixes", {})
        pattern = table.get("pattern", "{prefix}{number}")
        return {code: _fill(pattern, _code_parts(code, prefixes, where), where) for code in codes}
    given = table["columns"]
    for code in given:
        if code not in codes:
            hint = did_you_mean(code, codes)
            raise InvalidInput(f"{where}: {instrument.name} has no item {code!r}{hint}")
    return {code: str(given[code]) for code in codes if code in given}


def _code_parts(
    code: str, prefixes: collections.abc.Mapping[str, str], where: str
) -> dict[str, str]:
    letters = code.rstrip(string.digits)
    if prefixes and letters not in prefixes:
        raise InvalidInput(f"{where}: prefixes does not name {letters!r} (item {code})")
    return {
        "code": code,
        "prefix": str(prefixes.get(letters, letters)),
        "number": code[len(letters) :],
    }


def _fill(pattern: str, names: dict[str, str], where: str) -> str:
    try:
        return pattern.format_map(names)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        known = ", ".join(f"{{{name}}}" for name in names)
        raise InvalidInput(f"{where}: pattern {pattern!r} may use {known}") from error


def _status(
    table: collections.abc.Mapping[str, Any],
    items: ItemSource | None,
    completed: TimeSource | None,
    where: str,
) -> tuple[Field | StatusRule | None, str]:
    _check(table, {**_FIELD_TYPES, "rule": str, "incomplete": str}, where)
    incomplete = table.get("incomplete", "abandoned")
    _check_word(incomplete, RESPONSE_STATUSES, where)
    given = {key: value for key, value in table.items() if key in _FIELD_TYPES}
    if given:
        return _field(given, where), incomplete
    default = StatusRule.ITEMS if items else StatusRule.END if completed else None
    rule = table.get("rule", default)
    if rule is None:
        return None, incomplete
    if rule not in list(StatusRule):
        hint = did_you_mean(rule, [known.value for known in StatusRule])
        raise InvalidInput(f"{where}: unknown rule {rule!r}{hint}")
    if (rule == StatusRule.ITEMS and not items) or (rule == StatusRule.END and not completed):
        raise InvalidInput(f"{where}: rule {rule!r} needs what the mapping does not have")
    return StatusRule(rule), incomplete


def _check_word(word: str, words: tuple[str, ...], where: str) -> None:
    if word not in words:
        raise InvalidInput(f"{where}: {word!r} is none of {', '.join(words)}")
