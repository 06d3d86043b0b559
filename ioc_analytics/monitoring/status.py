"""What the platform holds and how fresh it is.

For: ``get_system_status`` and the ``status`` command. Not for: judging whether that is well.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.monitoring.alerts import read_alerts
from ioc_analytics.records.answers import (
    BatchStatus,
    DatabaseStatus,
    JobStatus,
    SystemStatus,
    TableStatus,
)
from ioc_analytics.states.reading import read_watermark, snapshot

_COUNTED: Final = 1_000_000
_NEWEST: Final = {"limit": 10}

Row = TypeVar("Row")


def read_status(connection: psycopg.Connection[Any]) -> SystemStatus:
    """Return the status of the platform in one snapshot.

    Args:
        connection: A connection of the analyst's role.
    """
    with snapshot(connection):
        ((version, size, compression, runway, score, waiting),) = connection.execute(
            sqlfiles.query("system/database_status")
        ).fetchall()
        last_backup, restore_seconds = _last_backup(connection)
        return SystemStatus(
            database=DatabaseStatus(version, size, score, compression, runway),
            tables=count_rows(connection),
            watermark=read_watermark(connection),
            touched_days=tuple(
                day for (day,) in connection.execute(sqlfiles.query("system/touched_days"))
            ),
            quarantine_waiting=waiting,
            batches=tuple(_read(connection, "system/newest_batches", BatchStatus)),
            jobs=tuple(_read(connection, "system/newest_jobs", JobStatus)),
            last_backup=last_backup,
            restore_seconds=restore_seconds,
            alerts=tuple(read_alerts(connection)),
        )


def _read(connection: psycopg.Connection[Any], name: str, kind: type[Row]) -> list[Row]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(sqlfiles.query(name), _NEWEST).fetchall()


def _last_backup(connection: psycopg.Connection[Any]) -> tuple[datetime | None, float | None]:
    row = connection.execute(sqlfiles.query("system/last_backup")).fetchone()
    return (row[0], row[1]) if row else (None, None)


def count_rows(
    connection: psycopg.Connection[Any], names: Sequence[str] | None = None
) -> dict[str, TableStatus]:
    """Return rows and size of tables and materialized views; None: of every table.

    A million rows are counted, of more the server's estimate is taken.
    """
    tables = {}
    for name, estimate, size in connection.execute(
        sqlfiles.query("system/table_status"), {"names": None if names is None else list(names)}
    ).fetchall():
        is_estimate = estimate > _COUNTED
        if not is_estimate:
            counted = connection.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("analytics", name))
            ).fetchone()
            estimate = counted[0] if counted else 0
        tables[name] = TableStatus(estimate, is_estimate, size)
    return tables
