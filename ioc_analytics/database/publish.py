"""Publishing a frame or a query into a table: staged, judged, then swapped in, in one transaction.

For: ``resources.PostgresIOManager`` and whoever fills a table as a whole or by partitions. Not for:
ingestion, which has its own exactly-once rules, or making tables (migrations do).

A concurrent reader sees the old content or the new one. Two writers of one partition follow each
other, because the second one's DELETE would otherwise not see the first one's rows and both would
stay. What breaks a check is never seen by anybody.
"""

import io
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias, get_args

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg import sql
from psycopg.types.json import set_json_loads

from ioc_analytics.database.locks import transaction_lock
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean

Mode = Literal["append", "replace", "upsert"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

_STAGING: Final = sql.Identifier("pg_temp", "ioc_staging")
_CSV_ROWS: Final = 50_000
_SHOWN: Final = 3
_WHOLE_ARRAYS: Final = ("smallint[]", "integer[]", "bigint[]")

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Relation:
    """A SELECT that stays in the database: its rows never come to Python."""

    query: sql.SQL | sql.Composed
    """The statement, without a semicolon at its end."""

    parameters: Mapping[str, Any] | None = None
    """Values of its ``%(name)s`` placeholders; None when it has none, and ``%`` is then plain."""


Frame: TypeAlias = pd.DataFrame | pa.Table | Relation


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Rows of a period."""

    column: str
    start: datetime
    """First moment, aware."""

    end: datetime
    """First moment after, aware."""


@dataclass(frozen=True, slots=True)
class Category:
    """Rows of some categories."""

    column: str
    values: tuple[str, ...]


Part: TypeAlias = tuple[TimeWindow | Category, ...]
"""Conditions that all hold for a row of one part of a table."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The parts of a table that are written or read; none: the whole table."""

    parts: tuple[Part, ...] = ()
    names: tuple[str, ...] = ()
    """Names of the partitions; writers of the same ones wait for each other."""


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

    checks: Mapping[str, str] | None = None
    """Boolean SQL expressions over the columns, by name, that every row must meet."""

    @property
    def name(self) -> str:
        """Schema and table."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication wrote."""

    rows: int
    """Rows written."""

    replaced: int
    """Rows that were there before and are gone."""

    duration_seconds: float


@contextmanager
def connected(url: str, statement_timeout_seconds: int = 600) -> Iterator[Connection]:
    """Open a connection to any database: commit at the end, roll back on an error.

    Raises:
        ConfigurationError: The server refuses the login.
        Unavailable: The server cannot be reached.
    """
    options = f"-c TimeZone=UTC -c jit=off -c statement_timeout={statement_timeout_seconds * 1000}"
    with (
        translated_errors(statement_timeout_seconds),
        psycopg.connect(
            url, options=options, application_name="ioc-analytics publish", connect_timeout=10
        ) as connection,
    ):
        yield connection


def publish(
    connection: Connection, data: Frame, target: Target, piece: Slice | None = None
) -> Published:
    """Write a frame or relation into a table, in the caller's transaction.

    Args:
        connection: A connection whose session is in UTC, and that may make temporary tables.
        data: The rows. Their columns must be columns of the table, whose types they take on.
        target: The table and how to write.
        piece: The partitions that the rows belong to; None: the whole table.

    Raises:
        InvalidInput: The table or a column does not exist, a row lies outside the piece, breaks a
            check or has the key of another one.
        IntegrityFailure: The table refuses a row.
    """
    started = time.monotonic()
    if target.mode not in MODES:
        raise InvalidInput(
            f"{target.mode!r} is no way to write{did_you_mean(target.mode, MODES)}; "
            f"there are {', '.join(MODES)}"
        )
    piece = piece or Slice()
    types = column_types(connection, target.schema, target.table)
    _lock(connection, target, piece)
    columns = _stage(connection, data, target, types)
    _check_bounds(connection, target, piece, types)
    _check_rows(connection, target)
    replaced = 0
    if target.mode == "replace":
        statement = sql.SQL("DELETE FROM {} AS t{}").format(
            sql.Identifier(target.schema, target.table), condition(piece, types)
        )
        replaced = max(connection.execute(statement).rowcount, 0)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}{}").format(
        sql.Identifier(target.schema, target.table),
        names,
        names,
        _STAGING,
        _on_conflict(connection, target, columns),
    )
    rows = connection.execute(statement).rowcount
    connection.execute(sql.SQL("DROP TABLE {}").format(_STAGING))
    return Published(rows, replaced, time.monotonic() - started)


def relation(
    connection: Connection,
    schema: str,
    table: str,
    piece: Slice | None = None,
    columns: Sequence[str] = (),
) -> Relation:
    """Return the rows of a table, or of some of its partitions, as a relation.

    Raises:
        InvalidInput: The table or a column does not exist.
    """
    types = column_types(connection, schema, table)
    for column in columns:
        _check_column(f"{schema}.{table}", column, types)
    names = sql.SQL(", ").join(
        sql.SQL("t.{}").format(sql.Identifier(name)) for name in columns or types
    )
    query = sql.SQL("SELECT {} FROM {} AS t{}").format(
        names, sql.Identifier(schema, table), condition(piece or Slice(), types)
    )
    return Relation(query)


def read_arrow(connection: Connection, source: Relation) -> pa.Table:
    """Bring the rows of a relation here as an Arrow table.

    Types without a twin come as text. So does JSON: as structs, its objects would all get the keys
    of all others.
    """
    with connection.cursor(binary=True) as cursor:
        set_json_loads(_json_text, cursor)
        cursor.execute(source.query, source.parameters)
        description = cursor.description or []
        rows = cursor.fetchall()
    arrays = {}
    for at, column in enumerate(description):
        values = [row[at] for row in rows]
        try:
            arrays[column.name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            arrays[column.name] = pa.array(
                [None if value is None else _text(value) for value in values], type=pa.string()
            )
    return pa.table(arrays)


def column_types(connection: Connection, schema: str, table: str) -> dict[str, str]:
    """Return the columns of a table or view and their types, in their order.

    Raises:
        InvalidInput: There is no such table.
    """
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a"
        " INNER JOIN pg_class AS c ON c.oid = a.attrelid"
        " INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
        [schema, table],
    ).fetchall()
    if not rows:
        known = connection.execute(
            "SELECT c.relname FROM pg_class AS c"
            " INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
            [schema],
        ).fetchall()
        raise InvalidInput(
            f"table {schema}.{table} does not exist"
            f"{did_you_mean(table, [name for (name,) in known])}. Tables are made by migrations, "
            "never by publishing: make it, or name another one in the asset's metadata"
        )
    return dict(rows)


def condition(piece: Slice, types: Mapping[str, str]) -> sql.Composable:
    """Return the WHERE clause of a slice over the alias ``t``; empty for the whole table."""
    if not piece.parts:
        return sql.SQL("")
    parts = [
        sql.SQL("({})").format(sql.SQL(" AND ").join(_single(one, types) for one in part))
        for part in piece.parts
    ]
    return sql.SQL(" WHERE ({})").format(sql.SQL(" OR ").join(parts))


def _single(one: TimeWindow | Category, types: Mapping[str, str]) -> sql.Composable:
    _check_column("the table", one.column, types)
    column = sql.Identifier("t", one.column)
    if isinstance(one, Category):
        return sql.SQL("{}::text = ANY({})").format(column, sql.Literal(list(one.values)))
    # In the column's own type: a moment compared with a date would be cast in the session's zone.
    kind = sql.SQL(types[one.column])
    start, end = (sql.Literal(moment.astimezone(UTC)) for moment in (one.start, one.end))
    return sql.SQL("{column} >= {start}::{kind} AND {column} < {end}::{kind}").format(
        column=column, start=start, end=end, kind=kind
    )


def _lock(connection: Connection, target: Target, piece: Slice) -> None:
    transaction_lock(connection, f"publish {target.name}", shared=bool(piece.names))
    for name in sorted(set(piece.names)):  # in one order, or two writers of two could block
        transaction_lock(connection, f"publish {target.name} | {name}")


def _stage(
    connection: Connection, data: Frame, target: Target, types: Mapping[str, str]
) -> list[str]:
    """Put the rows into a temporary table with the types of the target; return their columns."""
    if isinstance(data, Relation):
        probe = sql.SQL("SELECT * FROM ({}) AS q LIMIT 0").format(data.query)
        described = connection.execute(probe, data.parameters).description or []
        columns = [column.name for column in described]
    else:
        table = _from_pandas(data, types) if isinstance(data, pd.DataFrame) else data
        columns = table.column_names
    if not columns:
        raise InvalidInput(f"nothing to publish into {target.name}: the rows have no columns")
    for column in columns:
        _check_column(target.name, column, types)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA"
        ).format(sql.Identifier("ioc_staging"), names, sql.Identifier(target.schema, target.table))
    )
    if isinstance(data, Relation):
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM ({}) AS q").format(
            _STAGING, names, names, data.query
        )
        connection.execute(insert, data.parameters)
    else:
        copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(_STAGING, names)
        with connection.cursor() as cursor, cursor.copy(copy) as stream:
            for block in _csv_blocks(table, types):
                stream.write(block)
    return columns


def _from_pandas(data: pd.DataFrame, types: Mapping[str, str]) -> pa.Table:
    """Return a frame as an Arrow table; JSON as text, lest objects get each other's keys."""
    texts = {
        name: data[name].map(
            lambda value: _text(value) if isinstance(value, dict | list) else value
        )
        for name in data.columns
        if types.get(name) in ("json", "jsonb")
    }
    return pa.Table.from_pandas(data.assign(**texts) if texts else data, preserve_index=False)


def _csv_blocks(table: pa.Table, types: Mapping[str, str]) -> Iterator[bytes]:
    plain = pa.table({name: _plain(table.column(name), types[name]) for name in table.column_names})
    options = pyarrow.csv.WriteOptions(include_header=False)
    for batch in plain.to_batches(max_chunksize=_CSV_ROWS):
        block = io.BytesIO()
        pyarrow.csv.write_csv(batch, block, options)
        yield block.getvalue()


def _plain(column: pa.ChunkedArray, target: str) -> pa.ChunkedArray:
    """Return a column in a type that Arrow writes as CSV and PostgreSQL reads as its target's."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):  # such as arrow.uuid
        stored = pa.chunked_array([part.storage for part in column.chunks], kind.storage_type)
        return _plain(stored, target)
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), target)
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    if not (is_bytes or pa.types.is_fixed_size_binary(kind) or pa.types.is_nested(kind)):
        return column
    write = _array_literal if target.endswith("[]") else _literal
    texts = [None if value is None else write(value, target) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, type=pa.string())])


def _array_literal(value: Any, target: str) -> str:
    """Return a value of an array column as PostgreSQL reads it, such as ``{"1",NULL}``."""
    if isinstance(value, float) and target in _WHOLE_ARRAYS:  # pandas' integers beside a NULL
        value = None if math.isnan(value) else int(value) if value.is_integer() else value
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(_array_literal(one, target) for one in value) + "}"
    quoted = _literal(value, target).replace("\\", r"\\").replace('"', r"\"")
    return f'"{quoted}"'


def _literal(value: Any, target: str) -> str:
    if isinstance(value, bytes):  # a UUID is read from its 32 digits
        return value.hex() if target.startswith("uuid") else f"\\x{value.hex()}"
    return _text(value)


def _check_bounds(
    connection: Connection, target: Target, piece: Slice, types: Mapping[str, str]
) -> None:
    """Refuse rows outside the partitions: a rerun of those would never take them back."""
    if not piece.parts:
        return
    for part in piece.parts:
        for one in part:
            _check_staged(connection, target, one.column)
    inside = condition(piece, types)
    statement = sql.SQL("SELECT count(*) FROM {} AS t WHERE ((SELECT true{}) IS NOT TRUE)").format(
        _STAGING, inside
    )
    row = connection.execute(statement).fetchone()
    if row and row[0]:
        column = piece.parts[0][0].column
        shown = connection.execute(
            sql.SQL(
                "SELECT DISTINCT t.{}::text FROM {} AS t"
                " WHERE ((SELECT true{}) IS NOT TRUE) LIMIT {}"
            ).format(sql.Identifier(column), _STAGING, inside, sql.Literal(_SHOWN))
        ).fetchall()
        values = ", ".join(str(value) for (value,) in shown)
        raise InvalidInput(
            f"{row[0]} rows for {target.name} lie outside the partition {_named(piece)}: {column} "
            f"is {values}. Nothing was written; let the asset make rows of its partition only"
        )


def _check_rows(connection: Connection, target: Target) -> None:
    for name, expression in (target.checks or {}).items():
        # The expression is the asset author's code, like the query of a relation.
        meets = sql.SQL(expression)
        row = connection.execute(
            sql.SQL("SELECT count(*) FROM {} AS t WHERE ({}) IS NOT TRUE").format(_STAGING, meets)
        ).fetchone()
        if row and row[0]:
            raise InvalidInput(
                f"{row[0]} rows for {target.name} break the check {name!r} ({expression}); "
                "nothing was written"
            )


def _on_conflict(connection: Connection, target: Target, columns: Sequence[str]) -> sql.Composable:
    if target.mode != "upsert":
        return sql.SQL("")
    key = target.key or _primary_key(connection, target)
    for column in key:
        _check_staged(connection, target, column)
    names = sql.SQL(", ").join(map(sql.Identifier, key))
    twice = connection.execute(
        sql.SQL(
            "SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1) AS q"
        ).format(_STAGING, names)
    ).fetchone()
    if twice and twice[0]:
        raise InvalidInput(
            f"{twice[0]} keys ({', '.join(key)}) stand more than once in the rows for "
            f"{target.name}; nothing was written"
        )
    others = [column for column in columns if column not in key]
    if not others:
        return sql.SQL(" ON CONFLICT ({}) DO NOTHING").format(names)
    changes = sql.SQL(", ").join(
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in others
    )
    return sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(names, changes)


def _primary_key(connection: Connection, target: Target) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT a.attname FROM pg_constraint AS k"
        " INNER JOIN pg_class AS c ON c.oid = k.conrelid"
        " INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)"
        " INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.attnum"
        " WHERE k.contype = 'p' AND n.nspname = %s AND c.relname = %s ORDER BY u.place",
        [target.schema, target.table],
    ).fetchall()
    if not rows:
        raise InvalidInput(
            f"{target.name} has no primary key: name the columns of the key to upsert by"
        )
    return tuple(name for (name,) in rows)


def _check_column(table: str, column: str, types: Mapping[str, str]) -> None:
    if column not in types:
        raise InvalidInput(
            f"{table} has no column {column!r}{did_you_mean(column, types)}; "
            f"it has {', '.join(types)}"
        )


def _check_staged(connection: Connection, target: Target, column: str) -> None:
    described = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(_STAGING)).description
    names = [one.name for one in described or []]
    if column not in names:
        raise InvalidInput(
            f"the rows for {target.name} have no column {column!r}"
            f"{did_you_mean(column, names)}, which tells where they belong"
        )


def _named(piece: Slice) -> str:
    if len(piece.names) <= _SHOWN:
        return ", ".join(piece.names)
    return f"{piece.names[0]} to {piece.names[-1]}"


def _json_text(content: str | bytes) -> str:
    return content if isinstance(content, str) else bytes(content).decode()


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, default=_text)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
