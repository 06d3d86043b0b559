"""Advice on tables and their indexes: broken, duplicate, unused, behind with vacuum.

For: ``monitoring.advice``. Not for: indexes that are missing (``statements``), or doing it
(``maintenance``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from ioc_analytics.monitoring.server import read_all, read_one
from ioc_analytics.records.advice import Advice

UNUSED_DAYS: Final = 30
"""Days of statistics without a scan, at least, before an index counts as unused."""

_MINIMUM_INDEX_BYTES: Final = 8 * 1024**2
_MINIMUM_DEAD_ROWS: Final = 10_000

Connection = psycopg.Connection[Any]


def facts(connection: Connection, subject: str, evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures that advice on an index, table or partition is judged by, as of now."""
    names = {"subject": subject, "table_name": evidence.get("table_name")}
    return read_one(connection, "object_facts", names)


def _indexes(connection: Connection) -> Iterator[Advice]:
    for row in read_all(connection, "invalid_indexes"):
        yield Advice(
            "high",
            "indexes",
            f"REINDEX INDEX CONCURRENTLY {row['index_name']}",
            "it is written with every row and answers nothing",
            "at a quiet hour",
            {**row, "invalid": 1},
            measure="invalid",
            subject=row["index_name"],
        )
    for row in read_all(connection, "duplicate_indexes"):
        yield Advice(
            "low",
            "indexes",
            f"Drop {row['index_name']}: {row['kept_name']} is the same",
            f"{row['size_bytes']:,} bytes, and cheaper writes",
            "at a quiet hour",
            row,
            subject=row["index_name"],
            measure="size_bytes",
            lever="index_name",
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
            subject=row["index_name"],
            measure="size_bytes",
            lever="index_name",
        )


def _vacuum(connection: Connection) -> Iterator[Advice]:
    for row in read_all(connection, "vacuum_debt", {"minimum_dead": _MINIMUM_DEAD_ROWS}):
        yield Advice(
            "medium",
            "autovacuum",
            f"VACUUM (ANALYZE) {row['table_name']}, and lower its autovacuum_vacuum_scale_factor",
            f"scans skip {row['dead_percent']:.0f} % dead rows",
            "at a quiet hour",
            row,
            subject=row["table_name"],
            measure="dead_percent",
            lever="last_vacuum",
        )


TOPICS: Final[Sequence[Callable[[Connection], Iterator[Advice]]]] = (_indexes, _vacuum)
