"""Rows as JSON objects, a line each: the server writes the values, Arrow joins them to lines.

For: ``query.export_formats``. Not for: CSV and columns (``query.streaming``), small results
(``query.execution``).

``row_to_json`` looks up the type of every column for every row, which is two thirds of its work;
the objects are the same.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from ioc_analytics.database.csv_lines import read_lines
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.ahead import read_ahead
from ioc_analytics.query.statements import Column
from ioc_analytics.query.streaming import text_blocks

_NUMBERS: Final = frozenset({"float4", "float8", "numeric"})
"""Their text is JSON's, but for NaN and the infinities, which JSON has no numbers for."""

_VALUES: Final = frozenset({"bool", "int2", "int4", "int8"})
"""Their text is JSON's."""

_MOMENTS: Final = frozenset({"timestamp", "timestamptz"})
_PLAIN_TEXTS: Final = frozenset({"uuid", "oid", "date", "time", "timetz", "interval"})
"""Their text never holds what a JSON string may not."""

_TEXTS: Final = frozenset({"text", "varchar", "bpchar", "name", *_PLAIN_TEXTS})
"""Their text is a JSON string. All other types are turned into JSON by the server."""

_SPECIAL: Final = bytes((*range(0x20), *b'"\\'))
"""What a JSON string may not hold as it is."""


def json_blocks(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Sequence[Any],
    columns: Sequence[Column],
) -> Generator[tuple[int, memoryview], None, None]:
    """Yield rows as JSON objects, some thousand at once: how many, and a line of each."""
    enums = _enums(connection, columns)
    texts = [column.type_name in _TEXTS or column.type_name in enums for column in columns]
    cells = [_cell(column, is_text=is_text) for column, is_text in zip(columns, texts, strict=True)]
    schema = pa.schema([(column.name, pa.large_string()) for column in columns])
    blocks = text_blocks(connection, statement, values, columns, cells)
    # A thread receives rows while those that are here are joined.
    with closing(read_ahead(blocks)) as ahead:
        for n_rows, lines in ahead:
            yield n_rows, _join(read_lines(lines, schema), columns, texts)


def _enums(connection: psycopg.Connection[Any], columns: Sequence[Column]) -> set[str]:
    """Return the numbers of types, as texts, that are enums."""
    unknown = [int(column.type_name) for column in columns if column.type_name.isdigit()]
    rows = connection.execute(sqlfiles.query("query/enum_types"), {"types": unknown})
    return {str(oid) for (oid,) in rows}


def _cell(column: Column, *, is_text: bool) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.type_name == "bool":
        return sql.SQL("{}::text").format(name)
    if is_text or column.type_name in _VALUES | _NUMBERS:
        return name
    if column.type_name in _MOMENTS:
        return sql.SQL("to_json({})::text").format(name)
    # As jsonb, values of type json cannot bring line breaks of their own.
    return sql.SQL("to_jsonb({})::text").format(name)


def _join(table: pa.Table, columns: Sequence[Column], texts: Sequence[bool]) -> memoryview:
    parts: list[Any] = []
    literal = "{"
    for column, is_text, cells in zip(columns, texts, table.columns, strict=True):
        values = cells.combine_chunks()
        literal += json.dumps(column.name, ensure_ascii=False) + ":"
        quote = ""
        if is_text:
            if column.type_name not in _PLAIN_TEXTS:
                values = _escaped(values)
            if values.null_count:
                values = _quoted(values)
            else:
                quote = '"'
        elif column.type_name in _NUMBERS and _holds(values, b"NI"):
            is_word = pc.match_substring_regex(values, "[NI]")
            values = pc.if_else(is_word, _quoted(values), values)
        parts += [_large(literal + quote), pc.fill_null(values, "null")]
        literal = quote + ","
    end = _large(literal[:-1] + "}\n")
    lines = pc.binary_join_element_wise(*parts, end, _large(""))
    _, offsets, data = lines.buffers()
    return memoryview(data)[: int(np.frombuffer(offsets, dtype=np.int64)[len(lines)])]


def _escaped(values: pa.Array) -> pa.Array:
    if not _holds(values, _SPECIAL):
        return values
    is_special = pc.fill_null(pc.match_substring_regex(values, r'["\\\x00-\x1f]'), False)
    found = pc.filter(values, is_special).to_pylist()
    escaped = [json.dumps(text, ensure_ascii=False)[1:-1] for text in found]
    return pc.replace_with_mask(values, is_special, pa.array(escaped, pa.large_string()))


def _holds(values: pa.Array, characters: bytes) -> bool:
    """Return whether any of the characters is in any of the texts: a look at the bytes."""
    data = values.buffers()[2]
    return data is not None and bool(_sieve(characters)[np.frombuffer(data, np.uint8)].any())


@cache
def _sieve(characters: bytes) -> npt.NDArray[np.bool_]:
    sieve = np.zeros(256, dtype=np.bool_)
    sieve[list(characters)] = True
    return sieve


def _quoted(values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(_large('"'), values, _large('"'), _large(""))


def _large(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())
