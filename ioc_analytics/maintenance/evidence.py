"""What the tables, indexes and sequences of the platform look like, and which limits mean care.

For: ``maintenance.care``. Not for: doing anything about it, nor for health (``monitoring``).

The limits follow PostgreSQL's own autovacuum (20 % dead or 10 % changed rows, and a floor): what is
found beyond them is what autovacuum has not come to, and partitioned parents, which it never
analyzes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from ioc_analytics.kernel import sqlfiles

DEAD_SHARE: Final = 0.2
CHANGED_SHARE: Final = 0.1
FEWEST_ROWS: Final = 1000
"""Below this many dead or changed rows a table is left alone."""

EMPTY_SHARE: Final = 0.4
FEWEST_EMPTY_BYTES: Final = 64 * 1024**2
"""Below this much room without rows a table is left alone."""

FREEZE_SHARE: Final = 0.9
"""Share of ``autovacuum_freeze_max_age`` at which a table is frozen now, at a quiet time."""

SEQUENCE_SHARE: Final = 0.7
UNUSED_DAYS: Final = 30
"""Days that the server's counters must span before an index counts as unused."""


@dataclass(frozen=True, slots=True)
class TableEvidence:
    """One table, partition or partitioned parent."""

    name: str
    is_parent: bool
    live_rows: int
    dead_rows: int
    changed_rows: int
    analyzed_at: datetime | None
    children_analyzed_at: datetime | None
    has_rows: bool
    size_bytes: int
    expected_bytes: int
    """What its rows would take without room between them; 0 where the statistics do not tell."""

    frozen_age: int
    freeze_limit: int

    @property
    def needs_statistics(self) -> bool:
        """Whether the planner works from statistics that are missing or old."""
        if self.is_parent:
            # Autovacuum analyzes partitions, never their parent.
            newest = self.children_analyzed_at
            return self.has_rows and (
                self.analyzed_at is None or (newest is not None and newest > self.analyzed_at)
            )
        if self.analyzed_at is None:
            return self.changed_rows >= FEWEST_ROWS
        return self.changed_rows >= max(FEWEST_ROWS, CHANGED_SHARE * self.live_rows)

    @property
    def needs_vacuum(self) -> bool:
        """Whether dead rows take up room that new ones could use."""
        return self.dead_rows >= max(FEWEST_ROWS, DEAD_SHARE * (self.live_rows + self.dead_rows))

    @property
    def empty_bytes(self) -> int:
        """Estimate of the room that holds no rows, from the widths that ANALYZE found."""
        return max(self.size_bytes - self.expected_bytes, 0) if self.expected_bytes else 0

    @property
    def is_bloated(self) -> bool:
        """Whether so much of it is empty that giving it back is worth a lock."""
        return self.empty_bytes >= max(FEWEST_EMPTY_BYTES, EMPTY_SHARE * self.size_bytes)

    @property
    def needs_freezing(self) -> bool:
        """Whether its oldest transaction number is near what forces a vacuum at a bad time."""
        return self.frozen_age >= FREEZE_SHARE * self.freeze_limit


@dataclass(frozen=True, slots=True)
class IndexEvidence:
    """An index with something about it."""

    name: str
    table_name: str
    size_bytes: int
    is_invalid: bool
    repeats: str | None
    """Another index of the same table that is the same; None: there is none."""

    is_unused: bool


@dataclass(frozen=True, slots=True)
class SequenceEvidence:
    """A sequence and how much of it is used up."""

    name: str
    used_share: float


def read_tables(connection: psycopg.Connection[Any]) -> list[TableEvidence]:
    """Return the evidence of every table."""
    with connection.cursor(row_factory=class_row(TableEvidence)) as cursor:
        return cursor.execute(sqlfiles.query("maintenance/tables")).fetchall()


def read_indexes(connection: psycopg.Connection[Any]) -> list[IndexEvidence]:
    """Return the indexes that are invalid, repeat another one or are unused."""
    with connection.cursor(row_factory=class_row(IndexEvidence)) as cursor:
        return cursor.execute(
            sqlfiles.query("maintenance/indexes"), {"unused_days": UNUSED_DAYS}
        ).fetchall()


def read_sequences(connection: psycopg.Connection[Any]) -> list[SequenceEvidence]:
    """Return every sequence."""
    with connection.cursor(row_factory=class_row(SequenceEvidence)) as cursor:
        return cursor.execute(sqlfiles.query("maintenance/sequences")).fetchall()


def count_old_measurements(connection: psycopg.Connection[Any], before: datetime) -> int:
    """Return how many measured figures and results of quality checks are older than that."""
    row = connection.execute(
        sqlfiles.query("maintenance/count_old_measurements"), {"before": before}
    ).fetchone()
    return int(row[0]) if row else 0


def forget_old_measurements(connection: psycopg.Connection[Any], before: datetime) -> int:
    """Delete them and return how many went."""
    queries = ("maintenance/forget_old_health", "maintenance/forget_old_quality")
    return sum(
        connection.execute(sqlfiles.query(name), {"before": before}).rowcount for name in queries
    )
