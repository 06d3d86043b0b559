"""Advice on scaling, each on measured evidence; without evidence there is none.

For: ``get_scaling_recommendations``. Not for: doing it (``maintenance``), or trouble at this moment
(``monitoring.alerts``).
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import psycopg

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.host import fullest_disk
from ioc_analytics.monitoring.server import read_all, read_one
from ioc_analytics.records.advice import Advice, Priority
from ioc_analytics.statistics.exhaustion import Exhaustion, exhaustion

MINIMUM_CACHE_HITS_PERCENT: Final = 90.0
LARGE_PARTITION_BYTES: Final = 20 * 1024**3
"""A month of this size is slow to vacuum, to copy and to count again."""

UNUSED_DAYS: Final = 30
"""Days of statistics without a scan, at least, before an index counts as unused."""

_MINIMUM_READS: Final = 1_000_000
_MINIMUM_INDEX_BYTES: Final = 8 * 1024**2
_MINIMUM_DEAD_ROWS: Final = 10_000
_HISTORY: Final = timedelta(days=90)
_SOON: Final = timedelta(days=30)
_FORESEEABLE: Final = timedelta(days=180)
_ORDER: Final[tuple[Priority, ...]] = ("urgent", "high", "medium", "low")

Connection = psycopg.Connection[Any]


def advise(database: Database) -> list[Advice]:
    """Return what would make the installation last longer or work better, the most urgent first."""
    config = database.config
    with database.connection("ingest") as connection:
        lease = database.lease
        folders = [config.home, *([lease.data] if lease else [])]
        disk = fullest_disk(folders)
        found = [] if disk is None else list(_disk(connection, config, *disk))
        for topic in _TOPICS:
            found.extend(topic(connection, config))
    return sorted(found, key=lambda one: _ORDER.index(one.priority))


def _disk(
    connection: Connection, config: AnalyticsConfig, percent: float, free_bytes: float
) -> Iterator[Advice]:
    end = _exhaustion(connection, "host", "disk_usage", 100.0)
    limit = config.alerts.limits.disk_percent
    if percent <= limit and not _is_foreseeable(end):
        return
    yield Advice(
        "urgent" if percent > 95 else _priority(end, otherwise="high"),
        "disk",
        "Enlarge the disk, or move backups and exports to another one",
        "a full disk stops every load and refresh",
        _timeline(end),
        {"disk_percent": percent, "free_bytes": free_bytes, **_shown(end)},
    )


def _connections(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    used = read_one(connection, "server")["connections_percent"]
    days = _daily(connection, "database", "connections_percent", timedelta(days=7))
    highest = max([used, *(row["highest"] for row in days)])
    end = _exhaustion(connection, "database", "connections_percent", 100.0)
    if highest <= config.alerts.limits.connections_percent and not _is_foreseeable(end):
        return
    limits = read_one(connection, "server_limits")
    yield Advice(
        _priority(end, otherwise="high"),
        "connections",
        "Put a pooler before the server, or raise max_connections",
        "without it new processes are refused at the peak",
        _timeline(end),
        {
            "highest_percent_in_7_days": highest,
            "max_connections": limits["max_connections"],
            **_shown(end),
        },
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
        )
    for row in read_all(connection, "partition_sizes", {"minimum_bytes": LARGE_PARTITION_BYTES}):
        yield Advice(
            "medium",
            "partitions",
            f"Shorten the retention of rows, or spread {row['table_name']} over several servers",
            "months of this size are slow to vacuum, back up and count again",
            "before the next months of this size",
            row,
        )


def _transactions(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    percent = read_one(connection, "server")["xid_percent"]
    end = _exhaustion(connection, "database", "xid_percent", 100.0)
    # Below the limit the age climbs between two freezes: that is its way, and no growth.
    if percent <= config.alerts.limits.xid_percent:
        return
    yield Advice(
        "urgent" if percent > 75 else "high",
        "transactions",
        "Find what holds vacuum up (open transactions, replication slots), then VACUUM (FREEZE)",
        "at 100 % the server takes no more writes",
        _timeline(end),
        {"xid_percent": percent, **_shown(end)},
    )


def _indexes(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    for row in read_all(connection, "invalid_indexes"):
        yield Advice(
            "high",
            "indexes",
            f"REINDEX INDEX CONCURRENTLY {row['index_name']}",
            "it is written with every row and answers nothing",
            "at a quiet hour",
            row,
        )
    for row in read_all(connection, "duplicate_indexes"):
        yield Advice(
            "low",
            "indexes",
            f"Drop {row['index_name']}: {row['kept_name']} is the same",
            f"{row['size_bytes']:,} bytes, and cheaper writes",
            "at a quiet hour",
            row,
        )
    unused = {"minimum_bytes": _MINIMUM_INDEX_BYTES, "days": float(UNUSED_DAYS)}
    for row in read_all(connection, "unused_indexes", unused):
        yield Advice(
            "low",
            "indexes",
            f"Drop {row['index_name']} if no rare job needs it: nothing has read it",
            f"{row['size_bytes']:,} bytes, and cheaper writes",
            "at a quiet hour",
            row,
        )


def _vacuum(connection: Connection, config: AnalyticsConfig) -> Iterator[Advice]:
    for row in read_all(connection, "vacuum_debt", {"minimum_dead": _MINIMUM_DEAD_ROWS}):
        yield Advice(
            "medium",
            "autovacuum",
            f"VACUUM (ANALYZE) {row['table_name']}, and lower its autovacuum_vacuum_scale_factor",
            f"scans skip {row['dead_percent']:.0f} % dead rows",
            "at a quiet hour",
            row,
        )


_TOPICS: Final[tuple[Callable[[Connection, AnalyticsConfig], Iterator[Advice]], ...]] = (
    _connections,
    _memory,
    _partitions,
    _transactions,
    _indexes,
    _vacuum,
)


def _daily(
    connection: Connection, component: str, metric: str, back: timedelta
) -> list[dict[str, Any]]:
    parameters = {"component": component, "metric": metric, "since": utc_now() - back}
    return read_all(connection, "daily_history", parameters)


def _exhaustion(
    connection: Connection, component: str, metric: str, end: float
) -> Exhaustion | None:
    rows = _daily(connection, component, metric, _HISTORY)
    return exhaustion([row["day"] for row in rows], [row["highest"] for row in rows], end)


def _is_foreseeable(end: Exhaustion | None) -> bool:
    return end is not None and end.expected <= (utc_now() + _FORESEEABLE).date()


def _priority(end: Exhaustion | None, *, otherwise: Priority) -> Priority:
    if end is None:
        return otherwise
    today = utc_now().date()
    if end.earliest <= today + timedelta(days=7):
        return "urgent"
    return "high" if end.expected <= today + _SOON else "medium"


def _timeline(end: Exhaustion | None) -> str:
    if end is None:
        return "now: the limit is passed; too little history, or no growth, for a date"
    latest = f"{end.latest:%Y-%m-%d}" if end.latest else "never"
    return (
        f"before {end.earliest:%Y-%m-%d}: used up on {end.expected:%Y-%m-%d} at the present growth "
        f"(95 % interval {end.earliest:%Y-%m-%d} to {latest})"
    )


def _shown(end: Exhaustion | None) -> dict[str, Any]:
    return {} if end is None else asdict(end)
