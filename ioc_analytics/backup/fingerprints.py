"""What a database holds, as one short text per table: equal content, equal text.

For: the manifest of a backup, and the drill that compares. Not for: the files (``backup.verify``).

Each row is hashed (64 bits), the hash is hashed again, and both are summed, so neither the order of
the rows nor the pages they lie on matter. ``hash_record_extended`` combines the hashes of
PostgreSQL's hash partitions, which every major version must keep; those of enums and of types that
have none are of the value's text, as the former are numbered anew by every restore. A partitioned
table has the sum of its partitions. Materialized views are left out: a restore computes them anew.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from ioc_analytics.database.snapshots import reading
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.backups import Fingerprint

_WORD: Final = 2**64
# OFFSET 0 keeps the inner expression from being evaluated twice per row.
_SUM_OF_RECORDS: Final = sql.SQL(
    "SELECT count(*), coalesce(sum(h), 0), coalesce(sum(hashint8extended(h, 1)), 0)"
    " FROM (SELECT hash_record_extended(row({}), 0) AS h FROM {} AS t OFFSET 0) AS hashed"
)
_SUM_OF_TEXTS: Final = sql.SQL(
    "SELECT count(*), coalesce(sum(hashtextextended(h, 0)), 0),"
    " coalesce(sum(hashtextextended(h, 1)), 0)"
    " FROM (SELECT row(t.*)::text AS h FROM {} AS t OFFSET 0) AS hashed"
)

_TEXTS: Final = frozenset({"text", "varchar", "bpchar"})
_HASHED: Final = frozenset(
    {
        *("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "uuid", "bytea", "jsonb"),
        *("date", "time", "timestamp", "timestamptz", "interval"),
    }
)
"""Types whose hash is that of the value alone, on every server."""

_NOTHING: Final = sql.SQL("").format()

Hashing = Literal["record", "text"]
"""Whether rows are hashed as they are, or their text, as in manifests that do not say."""

Sums = tuple[int, int, int]
Fingerprints = Mapping[str, Fingerprint]


def fingerprint_database(
    conninfo: str,
    snapshot: str | None = None,
    *,
    jobs: int = 2,
    hashing: Hashing = "record",
    advance: Callable[[], None] | None = None,
) -> dict[str, Fingerprint]:
    """Return the fingerprint of every table, partition and partitioned table.

    Args:
        conninfo: A login that may read everything.
        snapshot: A shared snapshot to look at; None: nobody writes, any moment will do.
        jobs: Connections that count side by side.
        hashing: How rows are hashed; fingerprints of one kind compare with their own only.
        advance: Called after each table.
    """
    with reading(conninfo, snapshot) as connection:
        tables = connection.execute(sqlfiles.query("backup/tables")).fetchall()
        columns = _columns(connection)
    waiting: SimpleQueue[tuple[str, str, str | None]] = SimpleQueue()
    for table in tables:
        waiting.put(table)
    sums: dict[str, Sums] = {}

    def work() -> None:
        with reading(conninfo, snapshot) as connection:
            while True:
                try:
                    schema, name, _ = waiting.get_nowait()
                except Empty:
                    return
                table, own = sql.Identifier(schema, name), f"{schema}.{name}"
                if hashing == "text":
                    statement = _SUM_OF_TEXTS.format(table)
                else:
                    statement = _SUM_OF_RECORDS.format(columns.get(own, _NOTHING), table)
                sums[own] = _sum(connection, statement)
                if advance is not None:
                    advance()

    with ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(work) for _ in range(jobs)]:
            done.result()
    for schema, name, root in tables:
        if root is not None:
            above, own = sums.get(root, (0, 0, 0)), sums[f"{schema}.{name}"]
            sums[root] = (above[0] + own[0], above[1] + own[1], above[2] + own[2])
    return {name: _fingerprint(sums[name]) for name in sorted(sums)}


def differences(expected: Fingerprints, found: Fingerprints) -> list[str]:
    """Return in sentences what differs; empty when all is equal."""
    lines = []
    for name in sorted({*expected, *found}):
        one, other = expected.get(name), found.get(name)
        if one is None or other is None:
            lines.append(f"{name} is {'missing' if other is None else 'not of the backup'}")
        elif one.rows != other.rows:
            lines.append(f"{name} has {other.rows} rows instead of {one.rows}")
        elif one.digest != other.digest:
            lines.append(f"{name} has other content in its {one.rows} rows")
    return lines


def _columns(connection: psycopg.Connection[Any]) -> dict[str, sql.Composed]:
    """Return by table the list of its columns, by name, as they are hashed."""
    found: dict[str, list[sql.Composable]] = {}
    for table, column, kind in connection.execute(sqlfiles.query("backup/columns")).fetchall():
        value: sql.Composable = sql.Identifier("t", column)
        if kind in _TEXTS:
            value = sql.SQL('{} COLLATE "C"').format(value)
        elif kind not in _HASHED:
            value = sql.SQL('{}::text COLLATE "C"').format(value)
        found.setdefault(table, []).append(value)
    return {table: sql.SQL(", ").join(values) for table, values in found.items()}


def _sum(connection: psycopg.Connection[Any], statement: sql.Composed) -> Sums:
    row = connection.execute(statement).fetchone()
    count, low, high = row if row else (0, 0, 0)
    return int(count), int(low), int(high)


def _fingerprint(sums: Sums) -> Fingerprint:
    return Fingerprint(sums[0], f"{sums[1] % _WORD:016x}{sums[2] % _WORD:016x}")
