"""Relations as Arrow, through COPY, a block at a time.

For: inputs of Dagster's assets, and whoever reads a whole table. Not for: exports and analysts'
questions (``query.streaming``), whose parameters must reach the server apart from the statement.

What a column becomes follows from its type in PostgreSQL alone, never from its values:

- integers, floats, booleans, dates and times: Arrow's; times are in UTC;
- ``numeric(p, s)``: a decimal of so many digits; ``numeric`` without them: a double;
- ``bytea``: binary; arrays: lists, of one dimension;
- all others, such as UUIDs, JSON and enums: their text.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import psycopg
import pyarrow as pa
from psycopg import sql

from ioc_analytics.database.csv_lines import ARROW_TYPES, read_lines
from ioc_analytics.database.publishing.relations import Relation
from ioc_analytics.database.publishing.tables import Connection
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput

_BLOCK_BYTES: Final = 8 * 1024 * 1024
_DECIMAL_DIGITS: Final = 38

_LISTED: Final = ("bool", "int2", "int4", "int8", "float4", "float8", "numeric")
"""Types whose values are in JSON what they are in Arrow; elements of others become text."""

_NULLABLE: Final = {
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


@dataclass(frozen=True, slots=True)
class _Column:
    """How one column of a relation travels."""

    name: str
    arrow_type: pa.DataType
    sent_as: str = "{}"
    """What is selected for it."""

    parse: Callable[[str], Any] | None = None
    """How a value is read that Arrow's CSV reader cannot read itself."""

    @property
    def read_as(self) -> pa.DataType:
        return self.arrow_type if self.parse is None else pa.string()


def read_batches(connection: Connection, source: Relation) -> pa.RecordBatchReader:
    """Bring the rows of a relation here, a block of some megabytes at a time.

    The connection is busy until the last batch has been taken.

    Raises:
        InvalidInput: The statement is wrong, or has two columns of one name. While batches are
            taken: a value does not fit its column's type in Arrow.
    """
    columns = _columns(connection, source)
    schema = pa.schema([(column.name, column.arrow_type) for column in columns])
    return pa.RecordBatchReader.from_batches(schema, _batches(connection, source, columns, schema))


def read_arrow(connection: Connection, source: Relation) -> pa.Table:
    """Bring the rows of a relation here as an Arrow table; as :func:`read_batches`."""
    return read_batches(connection, source).read_all()


def read_pandas(connection: Connection, source: Relation) -> pd.DataFrame:
    """Bring the rows of a relation here as a pandas frame; as :func:`read_batches`."""
    return as_pandas(read_arrow(connection, source))


def as_pandas(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a pandas frame.

    Whole numbers and truth values with a NULL among them get pandas' nullable types: as floats,
    large numbers would lose their last digits.
    """
    frame: pd.DataFrame = table.to_pandas()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and column.type in _NULLABLE:
            frame[name] = column.to_pandas(types_mapper=_NULLABLE.get)
    return frame


def _columns(connection: Connection, source: Relation) -> list[_Column]:
    probe = sql.SQL("SELECT * FROM ({}) AS q LIMIT 0").format(source.query)
    described = connection.execute(probe, source.parameters).description or []
    names = [column.name for column in described]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(
            f"several columns are called {repeated[0]!r}, and a frame can hold one of them; name "
            "them apart with AS"
        )
    oids = {"oids": [column.type_code for column in described]}
    rows = connection.execute(sqlfiles.query("publishing/types"), oids).fetchall()
    kinds = {oid: (name, element) for oid, name, element in rows}
    return [_column(column, *kinds[column.type_code]) for column in described]


def _column(described: psycopg.Column, kind: str, element: str | None) -> _Column:
    if element is not None:
        if element not in _LISTED:
            return _Column(described.name, pa.list_(pa.string()), "to_json({}::text[])", json.loads)
        of = ARROW_TYPES[element]
        read = _floats if pa.types.is_floating(of) else json.loads
        return _Column(described.name, pa.list_(of), "to_json({})", read)
    if kind == "bytea":
        return _Column(described.name, pa.binary(), "encode({}, 'hex')", bytes.fromhex)
    digits = described.precision
    if kind == "numeric" and digits and digits <= _DECIMAL_DIGITS and (described.scale or 0) >= 0:
        return _Column(described.name, pa.decimal128(digits, described.scale or 0))
    return _Column(described.name, ARROW_TYPES.get(kind, pa.string()))


def _floats(text: str) -> list[float | None]:
    # JSON has no NaN and no infinity: the server sends them as texts. And it sends -0.0 as -0.
    found = json.loads(text, parse_int=float)
    return [None if value is None else float(value) for value in found]


def _batches(
    connection: Connection, source: Relation, columns: Sequence[_Column], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    sent = sql.SQL(", ").join(
        sql.SQL(column.sent_as).format(sql.Identifier("q", column.name)) for column in columns
    )
    statement = sql.SQL("COPY (SELECT {} FROM ({}) AS q) TO STDOUT (FORMAT csv)").format(
        sent, source.query
    )
    held: list[bytes] = []
    size = 0
    with connection.cursor() as cursor, cursor.copy(statement, source.parameters) as rows:
        for row in rows:
            held.append(bytes(row))
            size += len(row)
            if size >= _BLOCK_BYTES:
                yield from _decoded(b"".join(held), columns, schema)
                held, size = [], 0
    if held:
        yield from _decoded(b"".join(held), columns, schema)


def _decoded(
    lines: bytes, columns: Sequence[_Column], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    table = read_lines(lines, pa.schema([(column.name, column.read_as) for column in columns]))
    arrays = [
        table.column(column.name)
        if column.parse is None
        else _parsed(column, column.parse, table.column(column.name).to_pylist())
        for column in columns
    ]
    yield from pa.table(arrays, schema=schema).to_batches()


def _parsed(column: _Column, parse: Callable[[str], Any], texts: Sequence[str | None]) -> pa.Array:
    values = [None if text is None else parse(text) for text in texts]
    try:
        return pa.array(values, type=column.arrow_type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidInput(
            f"column {column.name!r} holds arrays that are no plain lists: cast it to text"
        ) from error
