"""What each kind of incoming record must look like: one declaration, two judges.

For: ``records.judge`` (Arrow, the hot path) and ``records.schemas`` (pandera), which both derive
from the tables below; readers and mappings, which need the names. Not for: anonymised columns
(``records.tables``) or what needs other rows (orphans, duplicates, scales: ``ingestion``).

A bad or absent value of a *required* column rejects its line. A bad value of any other column
becomes NULL (``unknown`` where the column has a vocabulary) and is counted as a repair.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.kinds import (
    AI_VALIDATIONS,
    ASSESSMENTS,
    QUESTION_RESPONSES,
    RESPONSES,
    SCORES,
)
from ioc_analytics.records.vocabularies import ASSESSMENT_STATUSES, RESPONSE_STATUSES, TRAITS

CONTRACT_VERSION: Final = "1"
"""Part of every batch digest: a file is judged anew when the contract has changed."""

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
"""No assessment on line is older; a date before it is a typing error or a default."""

LATEST_AHEAD: Final = timedelta(days=1)
"""How far past the present a time may lie: clocks differ, and naive times lack their zone."""

BIRTH_YEARS: Final = (1900, 2100)
"""Values of an age column that are taken for a year of birth."""

NUMBER_PATTERN: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""Texts that are numbers: a decimal point, no thousands separators, no names such as ``nan``."""

ASCII_BLANKS: Final = " \t\n\v\f\r"
"""Characters that do not matter around a number, a time or a word."""

_NUMBER: Final = re.compile(NUMBER_PATTERN)
_COLUMN_NAME: Final = re.compile(r"[A-Za-z_#][A-Za-z0-9_.#-]*")

ISO_PATTERN: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[ T](?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]{1,9}))?)?)?"
    r"(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
"""Texts that are times; digits past the microsecond are cut off."""


class Rule(StrEnum):
    """Why a line was refused or a value repaired; the name is stored with the quarantined row."""

    MISSING_KEY = "missing_key"
    MISSING_REQUIRED = "missing_required"
    NOT_A_NUMBER = "not_a_number"
    NOT_AN_INTEGER = "not_an_integer"
    NOT_A_DATE = "not_a_date"
    DATE_BEFORE_1990 = "date_before_1990"
    DATE_IN_FUTURE = "date_in_future"
    NOT_IN_VOCABULARY = "not_in_vocabulary"
    OUT_OF_RANGE = "out_of_range"
    ENDS_BEFORE_START = "ends_before_start"
    BIRTH_YEAR_AS_AGE = "birth_year_as_age"
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    WRONG_FIELD_COUNT = "wrong_field_count"
    NOT_JSON = "not_json"


class ColumnType(StrEnum):
    """How the values of a column are read."""

    KEY = "key"
    """Text that names a record; blank is missing."""

    TEXT = "text"
    """Any text; empty is NULL."""

    WORD = "word"
    """One word of a closed vocabulary; case and blanks around it do not matter."""

    INTEGER = "integer"
    NUMBER = "number"
    TIME = "time"
    """ISO 8601, with or without zone (without: UTC)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an incoming record."""

    name: str
    type: ColumnType
    arrow_type: pa.DataType
    """Type after judging."""

    is_required: bool = False
    """Whether a bad or absent value rejects the line."""

    minimum: float | None = None
    maximum: float | None = None
    """Closed range of numbers and integers."""

    words: tuple[str, ...] = ()
    """Vocabulary of a word."""

    not_before: str | None = None
    """Name of the time column that this time must not precede."""

    year_of: str | None = None
    """Time column whose year turns a year of birth in this column into an age."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of one kind of record, in the order of their tables."""

    kind: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def in_order_of_judging(self) -> tuple[Column, ...]:
        """The columns, those that look at another one after it."""
        return tuple(sorted(self.columns, key=lambda column: column.year_of is not None))

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that a file must have."""
        return tuple(column.name for column in self.columns if column.is_required)

    def check_present(self, names: Iterable[str], where: str = "") -> None:
        """Check that every required column is there.

        Args:
            names: The columns that were found.
            where: The file, for the message.

        Raises:
            InvalidInput: One is missing; the message names the most similar one that is there.
        """
        present = list(names)
        missing = [name for name in self.required if name not in present]
        if not missing:
            return
        spare = [name for name in presentable_names(present) if name not in self.names]
        hints = "; ".join(f"{name!r}{did_you_mean(name, spare)}" for name in missing)
        prefix = f"{where}: " if where else ""
        raise InvalidInput(
            f"{prefix}{self.kind} need column {hints}. Found: {describe_columns(present)}. "
            "Rename the column, or give a mapping (--mapping) if this is a survey export"
        )


def presentable_names(
    names: Sequence[str], known: Collection[str] | None = None
) -> tuple[str, ...]:
    """Return the column names that may stand in an error message.

    A file without a header has its first person where the names belong. So nothing is shown unless
    one of the names is known, and then only what is formed like a name of a column.

    Args:
        names: The columns that were found.
        known: Names of which one at least must be there; None: those of all contracts.

    Example:
        >>> presentable_names(["response_id", "E1", "Jane Doe"]), presentable_names(["Jane", "E1"])
        (('response_id', 'E1'), ())
    """
    known = _KNOWN_NAMES if known is None else known
    if not any(name in known for name in names):
        return ()
    return tuple(name for name in names if _COLUMN_NAME.fullmatch(name))


def describe_columns(
    names: Sequence[str], known: Collection[str] | None = None, most: int = 12
) -> str:
    """Return the columns of a file for an error message, as far as they may be shown.

    Args:
        names: The columns that were found.
        known: As for ``presentable_names``.
        most: How many are named at most.
    """
    presentable = presentable_names(names, known)
    if not presentable:
        return f"{len(names)} columns, none of a known name; is the header line missing?"
    shown = [repr(name[:60]) for name in presentable[:most]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def as_number(text: str) -> float | None:
    """Return a text as a finite number, or None when it is none."""
    plain = text.strip(ASCII_BLANKS)
    if not _NUMBER.fullmatch(plain):
        return None
    number = float(plain)
    return number if math.isfinite(number) else None


def _key(name: str) -> Column:
    return Column(name, ColumnType.KEY, pa.string(), is_required=True)


def _text(name: str, is_required: bool = False) -> Column:
    return Column(name, ColumnType.TEXT, pa.string(), is_required)


def _word(name: str, words: tuple[str, ...], is_required: bool = False) -> Column:
    return Column(name, ColumnType.WORD, pa.string(), is_required, words=words)


def _integer(
    name: str,
    minimum: int,
    maximum: int,
    arrow_type: pa.DataType,
    is_required: bool = False,
    year_of: str | None = None,
) -> Column:
    return Column(
        name, ColumnType.INTEGER, arrow_type, is_required, minimum, maximum, year_of=year_of
    )


def _number(
    name: str,
    minimum: float | None = None,
    maximum: float | None = None,
    is_required: bool = False,
) -> Column:
    return Column(name, ColumnType.NUMBER, pa.float64(), is_required, minimum, maximum)


def _time(name: str, is_required: bool = False, not_before: str | None = None) -> Column:
    arrow_type = pa.timestamp("us", tz="UTC")
    return Column(name, ColumnType.TIME, arrow_type, is_required, not_before=not_before)


_CONTRACTS: Final = (
    Contract(
        ASSESSMENTS,
        (
            _key("assessment_id"),
            _key("organization_id"),
            _text("organization_name"),
            _text("industry"),
            _integer("employee_count", 1, 100_000_000, pa.int64()),
            _text("country"),
            _text("assessment_type"),
            _text("instrument"),
            _word("status", ASSESSMENT_STATUSES),
            _integer("question_count", 0, 2**15 - 1, pa.int32()),
            _time("created_at", is_required=True),
            _time("published_at", not_before="created_at"),
            _time("updated_at"),
        ),
    ),
    Contract(
        RESPONSES,
        (
            _key("response_id"),
            _key("assessment_id"),
            _text("respondent_id"),
            _text("email"),
            _text("name"),
            _text("ip_address"),
            _text("country"),
            _integer("birth_year", *BIRTH_YEARS, pa.int32()),
            _integer("age", 10, 100, pa.int32(), year_of="started_at"),
            _text("gender"),
            _text("device_type"),
            _text("user_agent"),
            _word("status", RESPONSE_STATUSES),
            _number("completion_percentage", 0, 100),
            _number("time_spent_seconds", 0),
            _time("started_at", is_required=True),
            _time("completed_at", not_before="started_at"),
            _time("updated_at"),
        ),
    ),
    Contract(
        QUESTION_RESPONSES,
        (
            _key("response_id"),
            _key("question_id"),
            _integer("value", -(2**15), 2**15 - 1, pa.int16(), is_required=True),
            _integer("time_spent_ms", 0, 2**31 - 1, pa.int32()),
            _time("answered_at"),
        ),
    ),
    Contract(
        SCORES,
        (
            _key("response_id"),
            _word("dimension", TRAITS, is_required=True),
            _number("score", 0, 100, is_required=True),
            _number("raw_score"),
            _number("percentile", 0, 100),
            _text("scoring_version"),
        ),
    ),
    Contract(
        AI_VALIDATIONS,
        (
            _key("response_id"),
            _word("dimension", TRAITS, is_required=True),
            _text("primary_model", is_required=True),
            _number("primary_score", 0, 100, is_required=True),
            _text("secondary_model", is_required=True),
            _number("secondary_score", 0, 100, is_required=True),
            _number("primary_confidence", 0, 100),
            _number("secondary_confidence", 0, 100),
            _time("validated_at"),
        ),
    ),
)

CONTRACTS: Final[Mapping[str, Contract]] = MappingProxyType(
    {contract.kind: contract for contract in _CONTRACTS}
)
"""The contract of each kind, parents before children."""

_KNOWN_NAMES: Final = frozenset(name for contract in _CONTRACTS for name in contract.names)
