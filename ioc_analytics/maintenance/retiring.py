"""Detaching partitions and dropping them: the end of raw rows.

For: ``maintenance.retention``. Not for: making partitions (``schema.partitions``): the two never
share a transaction.

A detached partition lies in the schema ``retired``, which nobody but the owner and a backup reads.
"""

from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.maintenance.expiry import TABLES, span_of, spoken
from ioc_analytics.records.retention import ExpiredPartition

LOCK_SECONDS: Final = 2
"""Seconds to wait for the tables: whoever waits lets nobody else read them."""


def detach(connection: psycopg.Connection[Any], partition: ExpiredPartition, plan_id: int) -> None:
    """Take a partition out of all tables, in the caller's transaction.

    Args:
        connection: A connection of the owner.
        partition: The partition.
        plan_id: The plan that it goes by.

    Raises:
        InvalidInput: It has rows that no sealed state holds.
        Unavailable: The tables were not to be had in ``LOCK_SECONDS``.
    """
    # Alone: a batch that commits rows meanwhile would lose them.
    connection.execute(sqlfiles.query("states/stop_ingestion"))
    start, end = span_of(partition.period)
    row = connection.execute(
        sqlfiles.query("maintenance/retention_is_live"), {"start": start, "end": end}
    ).fetchone()
    if row is None or row[0]:
        raise InvalidInput(
            f"{spoken(partition.period)} has rows that no sealed state holds: plan again"
        )
    _wait_shortly(connection)
    for table in TABLES:
        schema, _, name = table.partition(".")
        part = f"{name}_{partition.period}"
        connection.execute(
            sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(
                sql.Identifier(schema, name), sql.Identifier(schema, part)
            )
        )
        connection.execute(
            sql.SQL("ALTER TABLE {} SET SCHEMA retired").format(sql.Identifier(schema, part))
        )
        if schema == "analytics":
            # No trigger fires, and a cached answer must not outlive the rows.
            connection.execute("SELECT internal.note_change(%s)", [table])
    connection.execute(
        sqlfiles.query("maintenance/retention_retire"),
        {
            "period": partition.period,
            "plan_id": plan_id,
            "row_counts": Jsonb(dict(partition.rows)),
            "size_bytes": partition.size_bytes,
        },
    )


def drop(connection: psycopg.Connection[Any], partition: ExpiredPartition) -> bool:
    """Drop a detached partition, in the caller's transaction; False when it is gone already.

    Raises:
        Unavailable: Somebody reads it, such as a backup.
    """
    noted = connection.execute(
        sqlfiles.query("maintenance/retention_dropped"),
        {"period": partition.period, "detached_at": partition.detached_at},
    ).rowcount
    if not noted:
        return False
    _wait_shortly(connection)
    for table in TABLES:
        name = f"{table.partition('.')[2]}_{partition.period}"
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("retired", name)))
    return True


def _wait_shortly(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCK_SECONDS}s"))
    )
