"""Advice on what a server can hold: disk, connections, memory, partitions, transactions.

For: ``monitoring.advice``. Not for: single tables, indexes and statements (beside this module).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import psutil
import psycopg

from ioc_analytics.database.embedded import ServerLease
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.advice.outlook import (
    as_evidence,
    find_end,
    highest_by_day,
    is_foreseeable,
    priority_of,
    timeline_of,
)
from ioc_analytics.monitoring.host import fullest_disk, watched_folders
from ioc_analytics.monitoring.server import read_all, read_one
from ioc_analytics.records.advice import Advice
from ioc_analytics.statistics.exhaustion import follow_growth

MINIMUM_CACHE_HITS_PERCENT: Final = 90.0
LARGE_PARTITION_BYTES: Final = 20 * 1024**3
"""A month of this size is slow to vacuum, to copy and to count again."""

MOST_WAITING_PERCENT: Final = 20.0
"""Share of the questions to the pools that may wait for a connection."""

MEMORIES_OF_ONE_SERVER: Final = 8
"""Times its memory that a server's tables may hold before a second server is worth a thought."""

_MINIMUM_READS: Final = 1_000_000

Connection = psycopg.Connection[Any]


def disk(
    connection: Connection, config: AnalyticsConfig, lease: ServerLease | None
) -> Iterator[Advice]:
    """Look at the fullest disk that the platform writes to."""
    fullest = fullest_disk(watched_folders(config, lease))
    if fullest is None:
        return
    percent, free_bytes = fullest
    end = find_end(connection, "host", "disk_usage", 100.0, follow_growth)
    limit = config.alerts.limits.disk_percent
    if percent <= limit and not is_foreseeable(end):
        return
    yield Advice(
        "urgent" if percent > 95 else priority_of(end, otherwise="high"),
        "disk",
        "Enlarge the disk, or move backups and exports to another one",
        "a full disk stops every load and refresh",
        timeline_of(end),
        {"disk_percent": percent, "free_bytes": free_bytes, **as_evidence(end)},
        measure="disk_percent",
    )


def facts(
    connection: Connection, config: AnalyticsConfig, lease: ServerLease | None
) -> dict[str, Any]:
    """Return the figures that advice of this module is judged by, as they are now."""
    server, limits = read_one(connection, "server"), read_one(connection, "server_limits")
    fullest = fullest_disk(watched_folders(config, lease))
    return {
        **server,
        **limits,
        "disk_percent": None if fullest is None else fullest[0],
        "highest_percent_in_7_days": _highest_connections(connection),
        "runway_months": read_one(connection, "platform")["runway_months"],
        "highest_waiting_percent_in_7_days": _highest_in_7_days(
            connection, "pool", "waiting_percent"
        ),
        "pool_max": config.database.pool.max,
    }


def _highest_in_7_days(connection: Connection, component: str, metric: str) -> float | None:
    days = highest_by_day(connection, component, metric, timedelta(days=7))
    return max((row["highest"] for row in days), default=None)


def _highest_connections(connection: Connection) -> float:
    used: float = read_one(connection, "server")["connections_percent"]
    return max(used, _highest_in_7_days(connection, "database", "connections_percent") or 0.0)


def _connections(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    highest = _highest_connections(connection)
    end = find_end(connection, "database", "connections_percent", 100.0)
    if highest <= config.alerts.limits.connections_percent and not is_foreseeable(end):
        return
    limits = read_one(connection, "server_limits")
    yield Advice(
        priority_of(end, otherwise="high"),
        "connections",
        "Put a pooler in session mode before the server, or raise max_connections",
        "without it new processes are refused at the peak",
        timeline_of(end),
        {
            "highest_percent_in_7_days": highest,
            "max_connections": limits["max_connections"],
            **as_evidence(end),
        },
        measure="highest_percent_in_7_days",
        lever="max_connections",
    )


def _memory(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    server = read_one(connection, "server")
    hits, reads = server["cache_hit_percent"], server["block_reads"]
    if hits is None or reads < _MINIMUM_READS or hits >= MINIMUM_CACHE_HITS_PERCENT:
        return
    limits = read_one(connection, "server_limits")
    yield Advice(
        "medium",
        "memory",
        "Give the server more shared_buffers (a quarter of the host's memory is usual)",
        f"up to {100 - hits:.0f} % of the block reads no longer leave the server",
        "with the next restart",
        {
            "cache_hit_percent": hits,
            "block_reads": reads,
            "shared_buffers_bytes": limits["shared_buffers_bytes"],
        },
        measure="cache_hit_percent",
        lever="shared_buffers_bytes",
    )


def _partitions(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    months = read_one(connection, "platform")["runway_months"]
    if months < config.alerts.limits.runway_months:
        yield Advice(
            "urgent",
            "partitions",
            "Make partitions ahead: ioc-analytics init",
            "rows of months without a partition cannot be stored",
            "now",
            {"runway_months": months},
            measure="runway_months",
        )
    for row in read_all(connection, "partition_sizes", {"minimum_bytes": LARGE_PARTITION_BYTES}):
        yield Advice(
            "medium",
            "partitions",
            f"Shorten the retention of rows, or spread {row['table_name']} over several servers",
            "months of this size are slow to vacuum, back up and count again",
            "before the next months of this size",
            row,
            subject=row["partition_name"],
            measure="size_bytes",
            lever="partition_name",
        )


def _transactions(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    percent = read_one(connection, "server")["xid_percent"]
    end = find_end(connection, "database", "xid_percent", 100.0)
    # Below the limit the age climbs between two freezes: that is its way, and no growth.
    if percent <= config.alerts.limits.xid_percent:
        return
    yield Advice(
        "urgent" if percent > 75 else "high",
        "transactions",
        "Find what holds vacuum up (open transactions, replication slots), then VACUUM (FREEZE)",
        "at 100 % the server takes no more writes",
        timeline_of(end),
        {"xid_percent": percent, **as_evidence(end)},
        measure="xid_percent",
    )


def _waiting(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    highest = _highest_in_7_days(connection, "pool", "waiting_percent")
    if highest is None or highest <= MOST_WAITING_PERCENT:
        return
    yield Advice(
        "medium",
        "pool",
        f"Raise database.pool.max ({config.database.pool.max} now), or ask less at once",
        f"up to {highest:.0f} % of the questions no longer wait for a connection",
        "with the next start of the processes that ask",
        {"highest_waiting_percent_in_7_days": highest, "pool_max": config.database.pool.max},
        measure="highest_waiting_percent_in_7_days",
        lever="pool_max",
    )


def _citus(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    """Look whether one server with all the memory it can use still reads from disk all day."""
    server, limits = read_one(connection, "server"), read_one(connection, "server_limits")
    hits, reads = server["cache_hit_percent"], server["block_reads"]
    memory = psutil.virtual_memory().total
    # The host's memory is the server's only where both are one machine.
    if connection.info.host and not connection.info.host.startswith("/"):
        return
    is_memory_used = limits["shared_buffers_bytes"] >= memory / 4
    is_behind = hits is not None and reads >= _MINIMUM_READS and hits < MINIMUM_CACHE_HITS_PERCENT
    if not (
        is_memory_used and is_behind and server["size_bytes"] > MEMORIES_OF_ONE_SERVER * memory
    ):
        return
    yield Advice(
        "low",
        "distribution",
        "Spread the row tables over several servers with Citus, by response_hash",
        f"{server['size_bytes'] / memory:.0f} times the memory of one server, which is in use",
        "when a larger machine costs more than a second one",
        {
            "size_bytes": server["size_bytes"],
            "memory_bytes": memory,
            "shared_buffers_bytes": limits["shared_buffers_bytes"],
            "cache_hit_percent": hits,
        },
        measure="cache_hit_percent",
    )


TOPICS: Final[Sequence[Callable[[Connection, AnalyticsConfig], Iterator[Advice]]]] = (
    _connections,
    _memory,
    _partitions,
    _transactions,
    _waiting,
    _citus,
)
