"""Dagster's storage in PostgreSQL: what is old goes, the newest word on every asset stays.

For: ``orchestration.forgetting``. Not for: ticks, which Dagster lets go itself (``dagster.yaml``),
or any table of ours (``maintenance.tiers``).

Dagster has no retention for events, runs and results of checks, and every run leaves some sixty
events, pictures among them. What is kept whatever its age: of every asset, partition and check the
newest event of each kind, and the run that it came from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel import sqlfiles

_AT_ONCE: Final = 20_000
"""Rows that one transaction deletes: Dagster goes on meanwhile."""

_RUNS_AT_ONCE: Final = 1_000
_TIMEOUTS: Final[LiteralString] = "SET statement_timeout = '10min'; SET lock_timeout = '1min'"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What went from Dagster's storage."""

    runs: int
    events: int = 0
    checks: int = 0
    """Results of checks."""


def forget(url: str, before: datetime, forget_logs: Callable[[str], None]) -> Forgotten:
    """Let go what is older than a moment and has been followed by something newer.

    Args:
        url: Address of Dagster's database.
        before: The moment.
        forget_logs: Deletes what a run has printed; called with the id of each run that goes.
    """
    with translated_errors(), psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TIMEOUTS)
        checks = _delete(connection, "forget_checks", before)
        events = _delete(connection, "forget_events", before)
        connection.execute(sqlfiles.query("dagster/forget_backfills"), {"before": before})
        return Forgotten(_forget_runs(connection, before, forget_logs), events, checks)


def _delete(connection: psycopg.Connection[Any], name: str, before: datetime) -> int:
    deleted = 0
    while True:
        cursor = connection.execute(
            sqlfiles.query(f"dagster/{name}"), {"before": before, "limit": _AT_ONCE}
        )
        row = cursor.fetchone() if cursor.description else None
        number = int(row[0]) if row else cursor.rowcount
        deleted += number
        if number < _AT_ONCE:
            return deleted


def _forget_runs(
    connection: psycopg.Connection[Any], before: datetime, forget_logs: Callable[[str], None]
) -> int:
    deleted = 0
    while True:
        found = connection.execute(
            sqlfiles.query("dagster/old_runs"), {"before": before, "limit": _RUNS_AT_ONCE}
        )
        runs = [run for (run,) in found]
        for run in runs:
            forget_logs(run)
        connection.execute(sqlfiles.query("dagster/forget_runs"), {"runs": runs})
        deleted += len(runs)
        if len(runs) < _RUNS_AT_ONCE:
            return deleted
