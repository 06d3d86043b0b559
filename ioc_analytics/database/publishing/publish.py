"""Publishing rows into a table: staged, judged, then swapped in, in one transaction.

For: ``resources.PostgresIOManager`` and whoever fills a table as a whole or by partitions. Not for:
ingestion, which has its own exactly-once rules, or making tables (migrations do).

A concurrent reader sees the old content or the new one. Two writers of one partition follow each
other, because the second one's DELETE would otherwise not see the first one's rows and both would
stay. What breaks a blocking check is never seen by anybody.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from psycopg import errors, sql

from ioc_analytics.database.locks import transaction_lock
from ioc_analytics.database.publishing.checks import Check, ChecksBroken, Verdict, judge
from ioc_analytics.database.publishing.contracts import Contract
from ioc_analytics.database.publishing.encoding import is_frame
from ioc_analytics.database.publishing.relations import Relation
from ioc_analytics.database.publishing.slices import Slice, condition
from ioc_analytics.database.publishing.staging import (
    STAGING,
    check_bounds,
    check_keys,
    drop,
    stage,
)
from ioc_analytics.database.publishing.tables import (
    Connection,
    check_column,
    column_types,
    primary_key,
)
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean

Mode = Literal["append", "replace", "upsert"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

_MOST_LOCKS: Final = 400
"""Partitions that are locked one by one; a backfill over more of them locks the table."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to publish, and how."""

    schema: str
    table: str
    mode: Mode = "replace"
    """``append`` adds rows, ``replace`` puts them in the place of the slice's, ``upsert`` replaces
    rows with the same key."""

    key: tuple[str, ...] = ()
    """Columns that tell rows apart (``upsert``); empty: the primary key."""

    checks: Mapping[str, Check] = field(default_factory=dict)
    """What the rows must meet, by name."""

    contract: Contract | None = None
    """What frames must meet before they are staged."""

    @property
    def name(self) -> str:
        """Schema and table."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication wrote."""

    rows: int
    """Rows written."""

    replaced: int | None
    """Rows that were there before and are gone; None where they are not counted (``upsert``)."""

    verdicts: tuple[Verdict, ...]
    """How the rows fared under the checks."""

    types: Mapping[str, str]
    """Columns of the table and their types."""

    duration_seconds: float


def publish(
    connection: Connection, data: Any, target: Target, piece: Slice | None = None
) -> Published:
    """Write a frame or relation into a table, in the caller's transaction: all of it or nothing.

    Args:
        connection: A connection whose session is in UTC, and that may make temporary tables.
        data: The rows: a :class:`Relation`, a pandas or polars frame, an Arrow table or stream.
            Their columns must be columns of the table, whose types they take on.
        target: The table and how to write.
        piece: The partitions that the rows belong to; None: the whole table.

    Raises:
        ChecksBroken: The rows break the contract or a blocking check.
        InvalidInput: The table or a column does not exist, a row lies outside the piece or all
            partitions of the table, a value does not fit its column, or two rows have one key.
        psycopg.Error: The table refuses a row, or the server is away; whoever lent the connection
            translates it.
    """
    started = time.monotonic()
    _check_question(data, target)
    types = column_types(connection, target.schema, target.table)
    with connection.transaction():  # inside the caller's, which a refusal leaves as it was
        _lock(connection, target, piece)
        columns = stage(connection, data, target.name, types, target.contract)
        if piece is not None:
            check_bounds(connection, piece, target.name, columns, types)
        agreed = () if target.contract is None else (target.contract.verdict(),)
        verdicts = (*agreed, *judge(connection, STAGING, target.checks))
        if any(one.is_blocking and not one.is_met for one in verdicts):
            raise ChecksBroken(target.name, verdicts)
        replaced = _delete(connection, target, piece, types)
        rows = _insert(connection, target, columns)
        drop(connection)
    return Published(rows, replaced, verdicts, types, time.monotonic() - started)


def _check_question(data: Any, target: Target) -> None:
    if target.mode not in MODES:
        raise InvalidInput(
            f"{target.mode!r} is no way to write{did_you_mean(target.mode, MODES)}; "
            f"there are {', '.join(MODES)}"
        )
    if not isinstance(data, Relation) and not is_frame(data):
        hint = "; collect() it" if type(data).__name__ == "LazyFrame" else ""
        raise InvalidInput(
            f"{type(data).__name__} cannot be published into {target.name}{hint}: tables take a "
            "pandas or polars DataFrame, an Arrow table or record batch reader, or a Relation"
        )


def _lock(connection: Connection, target: Target, piece: Slice | None) -> None:
    names = sorted(set(piece.names)) if piece else []
    if len(names) > _MOST_LOCKS:  # the server has room for some thousand, of all transactions
        names = []
    # Whoever writes the whole table waits for those who write parts of it, and they for it.
    transaction_lock(connection, f"publish {target.name}", shared=bool(names))
    for name in names:  # in one order, or two writers of two could block
        transaction_lock(connection, f"publish {target.name} | {name}")


def _delete(
    connection: Connection, target: Target, piece: Slice | None, types: Mapping[str, str]
) -> int | None:
    if target.mode != "replace":
        return 0 if target.mode == "append" else None
    statement = sql.SQL("DELETE FROM {} AS t WHERE {}").format(
        sql.Identifier(target.schema, target.table), condition(piece, types)
    )
    return max(connection.execute(statement).rowcount, 0)


def _insert(connection: Connection, target: Target, columns: Sequence[str]) -> int:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}{}").format(
        sql.Identifier(target.schema, target.table),
        names,
        names,
        STAGING,
        _on_conflict(connection, target, columns),
    )
    try:
        return connection.execute(statement).rowcount
    except errors.CheckViolation as fault:
        if fault.diag.constraint_name:
            raise
        raise InvalidInput(
            f"{target.name} is partitioned and has no partition for some of the rows: make it "
            "first, or let the asset begin where the table does. Nothing was written"
        ) from fault


def _on_conflict(connection: Connection, target: Target, columns: Sequence[str]) -> sql.Composable:
    if target.mode != "upsert":
        return sql.SQL("")
    key = target.key or primary_key(connection, target.schema, target.table)
    for column in key:
        check_column(f"the rows for {target.name}, whose key it belongs to,", column, columns)
    check_keys(connection, key, target.name)
    names = sql.SQL(", ").join(map(sql.Identifier, key))
    others = [column for column in columns if column not in key]
    if not others:
        return sql.SQL(" ON CONFLICT ({}) DO NOTHING").format(names)
    changes = sql.SQL(", ").join(
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in others
    )
    return sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(names, changes)
