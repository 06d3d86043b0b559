"""What turns a wide survey export, one row per respondent, into records: the mapping, as a record.

For: ``files.wide`` (which applies it), ``files.mappings`` (which reads it from TOML), the command
line. Not for: instruments (``files.instruments``).

The keys of the TOML file are those of the records below; ``examples/mappings`` shows them in use.
"""

import collections.abc
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.organizations import Organizations


class TimeFormat(StrEnum):
    """Named formats of a time column; anything else is a format such as ``%d-%m-%Y %H:%M``."""

    ISO = "iso"
    EPOCH_SECONDS = "epoch_seconds"
    EPOCH_MILLISECONDS = "epoch_milliseconds"
    EXCEL = "excel"
    """Days since 1899-12-30 with a fraction, as a spreadsheet stores them."""


class StatusRule(StrEnum):
    """How a response's status follows from the row."""

    ITEMS = "items"
    """Completed when the instrument's minimum share of the items is answered."""

    END = "end"
    """Completed when there is a time of completion."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value taken from a column, or the same for all rows."""

    column: str | None = None
    constant: str | None = None
    values: collections.abc.Mapping[str, str] | None = None
    """What stands in the file -> what it means; values not named stay as they are."""

    missing: frozenset[str] = frozenset()
    """Codes that mean "not given"."""


@dataclass(frozen=True, slots=True)
class TimeSource:
    """Where a time comes from: a column, several columns, or nowhere (a fixed, nominal time)."""

    column: str | None = None
    format: str = TimeFormat.ISO.value
    parts: collections.abc.Mapping[str, str] | None = None
    """Columns of year, month, day, hour, minute and second."""

    year_offset: int = 0
    """Added to the year column: 1900 where years are counted from there."""

    month_offset: int = 0
    """Added to the month column: 1 where January is 0."""

    fixed: datetime | None = None
    zone: str = "UTC"
    """IANA name of the zone of times that do not say theirs."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple((self.parts or {}).values()) if self.parts else _given(self.column)


@dataclass(frozen=True, slots=True)
class Duration:
    """Time spent on the whole questionnaire: the sum of some columns."""

    columns: tuple[str, ...]
    seconds_per_unit: float
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ItemSource:
    """Where the answers are."""

    columns: collections.abc.Mapping[str, str]
    """Code of each item of the instrument -> its column, in the instrument's order."""

    time_columns: collections.abc.Mapping[str, str]
    """Code -> column with the time spent on the item; empty where there is none."""

    milliseconds_per_unit: float = 1.0
    missing: frozenset[str] = frozenset()
    is_keyed: bool = False
    """Whether answers to reversed items were turned round already; they are turned back."""


@dataclass(frozen=True, slots=True)
class AssessmentSource:
    """The assessments: one for all rows, or one for each organization that a column names."""

    id: str
    created_at: datetime
    type: str | None
    status: str
    fields: collections.abc.Mapping[str, Field]
    """``organization_id`` and what is known of it: ``organization_name``, ``industry``,
    ``employee_count``, ``country``."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """How the rows of one kind of export become records."""

    name: str
    text: str
    """The TOML source; part of the digest of a batch."""

    files: tuple[str, ...]
    """Patterns of the file names that are read from a folder; empty: all data files."""

    ignore: tuple[str, ...]
    """Patterns of columns that are left out on purpose."""

    instrument: Instrument | None
    is_own_instrument: bool
    """Whether the mapping brings the definition of its instrument."""

    assessment: AssessmentSource
    organizations: Organizations
    """What the mapping says of companies by their id; it wins over what a row says."""

    respondent: collections.abc.Mapping[str, Field]
    """``response_id``, ``respondent_id``, ``country``, ``age`` and so on, by contract name."""

    started: TimeSource
    completed: TimeSource | None
    duration: Duration | None
    items: ItemSource | None
    status: Field | StatusRule | None
    incomplete_status: str

    @property
    def columns(self) -> frozenset[str]:
        """Every column that the mapping reads."""
        found: set[str] = set(self.started.columns)
        found.update(self.completed.columns if self.completed else ())
        found.update(self.duration.columns if self.duration else ())
        if self.items:
            found.update(self.items.columns.values(), self.items.time_columns.values())
        fields = [*self.respondent.values(), *self.assessment.fields.values()]
        if isinstance(self.status, Field):
            fields.append(self.status)
        for field in fields:
            found.update(_given(field.column))
        return frozenset(found)

    def is_ignored(self, column: str) -> bool:
        """Tell whether a column is left out on purpose (``#2`` of a repeated one counts as it)."""
        plain = column.partition("#")[0] or column
        return any(fnmatchcase(name, p) for p in self.ignore for name in (column, plain))


def _given(column: str | None) -> tuple[str, ...]:
    return () if column is None else (column,)
