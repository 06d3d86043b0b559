"""One moment of a database, seen by several connections at once.

For: dumps and the fingerprints beside them. Not for: answers (``states.reading`` has a snapshot
of one connection).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import IsolationLevel

from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel.errors import Unavailable

Connection = psycopg.Connection[Any]


@contextmanager
def shared_snapshot(conninfo: str) -> Iterator[str]:
    """Hold a snapshot open and lend its name, for others to join."""
    with reading(conninfo) as connection:
        # A server that ends idle transactions would take the snapshot away from under a long dump.
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield str(row[0]) if row else ""


@contextmanager
def reading(conninfo: str, snapshot: str | None = None) -> Iterator[Connection]:
    """Lend a read-only connection whose values print alike on every server.

    Args:
        conninfo: The login's connection string.
        snapshot: Name of a shared snapshot to see; None: a new one.
    """
    with translated_errors(), psycopg.connect(conninfo) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        if snapshot is not None:
            try:
                connection.execute(psycopg.sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
            except (
                psycopg.errors.UndefinedObject,
                psycopg.errors.InvalidParameterValue,  # PostgreSQL 15 says it so
            ) as fault:
                raise Unavailable(
                    "the connection that held the snapshot was cut; try again"
                ) from fault
        connection.execute(
            "SELECT set_config(name, value, true) FROM (VALUES ('TimeZone', 'UTC'), "
            "('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'iso_8601'), ('bytea_output', 'hex'), "
            "('extra_float_digits', '1'), ('jit', 'off'), ('search_path', 'pg_catalog'), "
            "('max_parallel_workers_per_gather', '0')) AS s (name, value)"
        )
        yield connection
