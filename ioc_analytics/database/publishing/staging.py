"""The staging twin: rows in the types of their table, where nobody else sees them.

For: ``publish``. Not for: anything that outlives a transaction; the twin is a temporary table.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa
from psycopg import errors, sql

from ioc_analytics.database.publishing.contracts import Contract
from ioc_analytics.database.publishing.encoding import arrow_stream, csv_blocks
from ioc_analytics.database.publishing.relations import Relation
from ioc_analytics.database.publishing.slices import Slice, condition
from ioc_analytics.database.publishing.tables import Connection, check_column
from ioc_analytics.kernel.errors import InvalidInput

STAGING: Final = sql.Identifier("pg_temp", "ioc_staging")

_SHOWN: Final = 3
_PLACE: Final = re.compile(r"line (\d+), column (\w+)")


def stage(
    connection: Connection,
    data: Any,
    table: str,
    types: Mapping[str, str],
    contract: Contract | None = None,
) -> list[str]:
    """Make the twin and fill it.

    Args:
        connection: The caller's, in a transaction.
        data: A relation or a frame.
        table: Schema and name of the table, for messages.
        types: Its columns.
        contract: What a frame must meet before its rows go in.

    Returns:
        The columns that the rows have.

    Raises:
        ChecksBroken: Rows break the contract.
        InvalidInput: The table has no column of that name, a value does not fit its column, or a
            relation has a contract.
    """
    try:
        if not isinstance(data, Relation):
            return _stage_frame(connection, data, table, types, contract)
        if contract is not None:
            raise InvalidInput(
                f"a contract judges frames, and the rows for {table} stay in the database: give "
                "their asset `checks`, which are judged there"
            )
        return _stage_relation(connection, data, table, types)
    except errors.DataError as fault:
        raise _misfit(fault, table, types) from fault


def drop(connection: Connection) -> None:
    """Drop the twin."""
    connection.execute(sql.SQL("DROP TABLE {}").format(STAGING))


def check_bounds(
    connection: Connection,
    piece: Slice,
    table: str,
    columns: Sequence[str],
    types: Mapping[str, str],
) -> None:
    """Refuse rows outside a slice: a rerun of it would never take them back.

    Raises:
        InvalidInput: There are some.
    """
    told = dict.fromkeys(one.column for part in piece.parts for one in part)
    for column in told:
        check_column(f"the rows for {table}, of which it tells the partition,", column, columns)
    outside = sql.SQL("({}) IS NOT TRUE").format(condition(piece, types))
    count = sql.SQL("SELECT count(*) FROM {} AS t WHERE {}").format(STAGING, outside)
    row = connection.execute(count).fetchone()
    if row and row[0]:
        raise InvalidInput(
            f"{row[0]} rows for {table} lie outside the partition {piece}"
            f"{_examples(connection, outside, list(told))}. Nothing was written; let the asset "
            "make rows of its partition only"
        )


def check_keys(connection: Connection, key: Sequence[str], table: str) -> None:
    """Refuse rows of which two have one key.

    Raises:
        InvalidInput: There are some.
    """
    statement = sql.SQL(
        "SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1) AS q"
    ).format(STAGING, _names(key))
    row = connection.execute(statement).fetchone()
    if row and row[0]:
        raise InvalidInput(
            f"{row[0]} keys ({', '.join(key)}) stand more than once in the rows for {table}; "
            "nothing was written"
        )


def _stage_relation(
    connection: Connection, data: Relation, table: str, types: Mapping[str, str]
) -> list[str]:
    probe = sql.SQL("SELECT * FROM ({}) AS q LIMIT 0").format(data.query)
    described = connection.execute(probe, data.parameters).description or []
    columns = [column.name for column in described]
    _make(connection, columns, table, types)
    names = _names(columns)
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM ({}) AS q").format(
        STAGING, names, names, data.query
    )
    connection.execute(statement, data.parameters)
    return columns


def _stage_frame(
    connection: Connection,
    data: Any,
    table: str,
    types: Mapping[str, str],
    contract: Contract | None,
) -> list[str]:
    is_pandas = isinstance(data, pd.DataFrame)
    if contract is not None:
        contract.rows = 0
        data = contract.judged(data, table) if is_pandas else data
    stream = arrow_stream(data, types)
    batches: Iterable[pa.RecordBatch] = stream
    if contract is not None and not is_pandas:
        batches = contract.judged_batches(stream, table)
    columns: list[str] = stream.schema.names
    _make(connection, columns, table, types)
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(STAGING, _names(columns))
    with connection.cursor() as cursor, cursor.copy(copy) as target:
        for block in csv_blocks(batches, types):
            target.write(block)
    return columns


def _make(
    connection: Connection, columns: Sequence[str], table: str, types: Mapping[str, str]
) -> None:
    if not columns:
        raise InvalidInput(f"nothing to publish into {table}: the rows have no columns")
    for column in columns:
        check_column(table, column, types)
    if repeated := sorted({name for name in columns if columns.count(name) > 1}):
        raise InvalidInput(f"the rows for {table} have several columns {repeated[0]!r}")
    declared = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(types[name])) for name in columns
    )
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            sql.Identifier("ioc_staging"), declared
        )
    )


def _misfit(fault: errors.DataError, table: str, types: Mapping[str, str]) -> InvalidInput:
    """Name row, column and type of a value that does not fit; never the value."""
    place = _PLACE.search(fault.diag.context or "")
    if place is None:
        kind = type(fault).__name__
        return InvalidInput(f"a value for {table} is refused ({kind}); nothing was written")
    row, column = place.groups()
    return InvalidInput(
        f"row {row} for {table} has a value in {column!r} that is no {types.get(column, 'such')}; "
        "nothing was written"
    )


def _examples(connection: Connection, outside: sql.Composable, columns: Sequence[str]) -> str:
    if not columns:
        return ""
    shown = connection.execute(
        sql.SQL("SELECT DISTINCT t.{}::text FROM {} AS t WHERE {} LIMIT {}").format(
            sql.Identifier(columns[0]), STAGING, outside, sql.Literal(_SHOWN)
        )
    ).fetchall()
    return f": {columns[0]} is {', '.join(str(value) for (value,) in shown)}"


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
