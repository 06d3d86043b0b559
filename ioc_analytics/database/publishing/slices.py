"""The part of a table that a publication or a read is about: by time, by category, by both.

For: ``publish`` and ``relations``. Not for: Dagster's partitions (``resources.slices`` turns them
into these).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final, TypeAlias

from psycopg import sql

from ioc_analytics.database.publishing.tables import check_column
from ioc_analytics.kernel.errors import InvalidInput

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Rows of a period.

    A ``timestamptz`` is compared with the moments themselves; a ``date`` or ``timestamp`` with what
    a clock on the wall shows in their time zone: a day in Berlin is the date in Berlin.
    """

    column: str
    start: datetime
    """First moment, aware."""

    end: datetime
    """First moment after, aware."""


@dataclass(frozen=True, slots=True)
class Category:
    """Rows of some categories."""

    column: str
    values: tuple[str, ...]


Part: TypeAlias = tuple[TimeWindow | Category, ...]
"""Conditions that all hold for a row of one part of a table."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some parts of a table; a slice without parts has no rows."""

    parts: tuple[Part, ...]
    names: tuple[str, ...] = ()
    """Names of the partitions; writers of the same ones wait for each other."""

    def __str__(self) -> str:
        """The names, or the first and the last of many."""
        if len(self.names) <= _SHOWN:
            return ", ".join(self.names)
        return f"{self.names[0]} to {self.names[-1]}"


def condition(piece: Slice | None, types: Mapping[str, str]) -> sql.Composable:
    """Return what tells the rows of a slice, over the alias ``t``; of None: of the whole table.

    Raises:
        InvalidInput: A column does not exist, or its type cannot tell the time of a row.
    """
    if piece is None:
        return sql.SQL("true")
    parts = [
        sql.SQL("({})").format(sql.SQL(" AND ").join(_single(one, types) for one in part))
        for part in piece.parts
    ]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(parts)) if parts else sql.SQL("false")


def _single(one: TimeWindow | Category, types: Mapping[str, str]) -> sql.Composable:
    check_column("the table", one.column, types)
    column, kind = sql.Identifier("t", one.column), types[one.column]
    if isinstance(one, Category):
        # In the column's own type, or no index on it would serve; a cast to varchar(n) would cut.
        own = "text" if kind.startswith("character") else kind
        texts = sql.SQL(", ").join(map(_text, one.values))
        return sql.SQL("{} = ANY(ARRAY[{}]::text[]::{}[])").format(column, texts, sql.SQL(own))
    start, end = (_moment(moment, one.column, kind) for moment in (one.start, one.end))
    return sql.SQL("{column} >= {start} AND {column} < {end}").format(
        column=column, start=start, end=end
    )


def _text(value: str) -> sql.Composable:
    """Return a text as a literal without ``%``, which a statement with parameters would stumble on.

    psycopg leaves ``%`` in literals as it is, and the author of a query over a loaded relation may
    well give it parameters.
    """
    literal = sql.Literal(value)
    if "%" not in value:
        return literal
    pieces = sql.SQL(" || chr(37) || ").join(map(sql.Literal, value.split("%")))
    return sql.SQL("({})").format(pieces)


def _moment(moment: datetime, column: str, kind: str) -> sql.Composable:
    """Return a moment in a column's own type: a cast in the session would follow its time zone."""
    if kind.startswith("timestamp") and kind.endswith("with time zone"):
        return sql.SQL("{}::timestamptz").format(sql.Literal(moment.astimezone(UTC).isoformat()))
    on_the_wall = moment.replace(tzinfo=None)
    if kind.startswith("timestamp"):
        return sql.SQL("{}::timestamp").format(sql.Literal(on_the_wall.isoformat()))
    if kind != "date":
        raise InvalidInput(
            f"column {column} is {kind}, which cannot tell the period of a row: partitions by time "
            "need a date or a timestamp"
        )
    if on_the_wall.time() != time():
        raise InvalidInput(
            f"column {column} is a date, and a partition begins or ends within a day: partition by "
            "a timestamp"
        )
    return sql.SQL("{}::date").format(sql.Literal(on_the_wall.date().isoformat()))
