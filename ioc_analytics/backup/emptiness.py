"""Whether a database is empty, so that a restore may take its place: looked at, and held so.

For: ``backup.restore``, before the load and again at its end. Not for: dropping
(``database.closed``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from ioc_analytics.database import closed
from ioc_analytics.database.servers import Address
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.schema.migrations import find_drift

_FILLED_BY_INIT: Final = frozenset(
    {
        "analytics.table_versions",
        "internal.schema_history",
        "internal.schema_snapshot",
        "internal.instruments",
        "internal.questions",
        "internal.categories",
    }
)
_MEASURED: Final = frozenset(
    {
        "analytics.audit_log",
        "analytics.system_health_metrics",
        "analytics.data_quality_metrics",
        "internal.alert_states",
        "internal.alerts",
        "internal.backups",
        "internal.given_advice",
        "internal.query_counts",
        "internal.retention_plans",
    }
)
"""What looking at an installation fills: figures, alerts, advice, plans, notes, the backups."""

_OURS: Final = ("analytics", "internal", "retired")
_LOCK_TIMEOUT: Final = "60s"


def refuse_content(address: Address, name: str) -> None:
    """See that a database, if it exists, is as ``init`` leaves it.

    Raises:
        InvalidInput: It has rows of its own, or objects that are not the platform's.
    """
    if closed.exists(address, name):
        with translated_errors(), _connection(address, name) as connection:
            _refuse(connection, name)


@contextmanager
def held_empty(address: Address, name: str) -> Iterator[bool]:
    """Keep a database empty for a block, and tell whether it exists.

    Who writes into it waits until the block has dropped it, and then learns that it is gone. The
    locks end with the connection, so a kill leaves nothing behind.

    Raises:
        InvalidInput: It is not empty.
        Unavailable: Somebody has been writing into it for a minute.
    """
    if not closed.exists(address, name):
        yield False
        return
    with translated_errors():
        connection = _connection(address, name)
        try:
            _lock(connection)
            _refuse(connection, name)
            yield True
        finally:
            connection.close()  # may be cut off already, with the database


def _connection(address: Address, name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(closed.administrator_conninfo(address, name))


def _lock(connection: psycopg.Connection[Any]) -> None:
    tables = connection.execute(sqlfiles.query("backup/tables")).fetchall()
    names = [sql.Identifier(schema, table) for schema, table, _ in tables]
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_TIMEOUT))
    if names:
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.SQL(", ").join(names)))


def _refuse(connection: psycopg.Connection[Any], name: str) -> None:
    found = _strangers(connection) or _filled(connection)
    if found is not None:
        raise InvalidInput(
            f"database {name!r} is not empty ({found}), and a restore overwrites nothing: name "
            "another database or a new home folder as target"
        )


def _strangers(connection: psycopg.Connection[Any]) -> str | None:
    """Return what is there that no migration has made."""
    row = connection.execute("SELECT to_regclass('internal.schema_snapshot')").fetchone()
    is_ours = row is not None and row[0] is not None
    ours = list(_OURS) if is_ours else []
    for (stranger,) in connection.execute(
        sqlfiles.query("backup/strangers"), {"ours": ours}
    ).fetchall():
        return f"{stranger} is not the platform's"
    for line in find_drift(connection) if is_ours else []:
        kind, _, what = line.removeprefix("added: ").partition(" ")
        if line.startswith("added: ") and kind != "grant":
            return f"{kind} {what.split(' ')[0]} is not the platform's"
    return None


def _filled(connection: psycopg.Connection[Any]) -> str | None:
    """Return a table that has rows of its own."""
    for schema, table, _ in connection.execute(sqlfiles.query("backup/tables")).fetchall():
        if f"{schema}.{table}" in _FILLED_BY_INIT | _MEASURED:
            continue
        statement = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(schema, table))
        if connection.execute(statement).fetchone() == (True,):
            return f"{schema}.{table} has rows"
    return None
