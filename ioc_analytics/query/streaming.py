"""Results larger than memory: rows as text from the server, and as Arrow batches.

For: ``query_interface.stream`` and exports. Not for: small results (``query.execution``).

The server writes each row as a line of CSV: by COPY, or as a value of a query where there are
parameters, which travel beside the statement as always and which COPY does not take. Arrow's own
reader turns the lines into columns; ``query.json_lines`` turns them into JSON.
"""

from collections.abc import Generator, Sequence
from typing import Any, Final, LiteralString

import psycopg
import pyarrow as pa
from psycopg import sql

from ioc_analytics.database.copying import copy_lines
from ioc_analytics.database.csv_lines import ARROW_TYPES, read_lines
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.query.execution import reading, streamed
from ioc_analytics.query.statements import Column, adapt, check_statement, describe

BLOCK_ROWS: Final = 20_000

Block = tuple[int, bytes]
"""Rows, and their text: each row ends with a line feed."""

_PLAIN: Final = frozenset({*ARROW_TYPES, "uuid", "oid", "time"})
"""Types whose text needs no quotes in CSV and which no spreadsheet executes."""

# What begins like this, a spreadsheet takes for a formula; the apostrophe makes it a text. All of
# them lie before the letters, which spares most texts the second look.
_NEUTRAL: Final[LiteralString] = (
    "CASE WHEN {cell} COLLATE \"C\" < 'A' "
    "AND left({cell}, 1) IN ('=', '+', '-', '@', E'\\t', E'\\r', E'\\n') "
    "THEN '''' || {cell} ELSE {cell} END"
)


def neutralized(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text


def stream(
    connection: psycopg.Connection[Any],
    statement: str,
    parameters: Sequence[Any],
    timeout_seconds: float | None = None,
) -> Generator[pa.RecordBatch, None, None]:
    """Yield the rows of a statement as Arrow record batches, in bounded memory.

    Types without one of their own in Arrow, such as UUIDs and JSON, are text; ``numeric`` becomes
    a double.

    Raises:
        InvalidInput: As ``query.execution.execute``.
        PrivacyRefusal: The login may not do what the statement asks.
    """
    check_statement(statement)
    values = adapt(parameters)
    with reading(connection, statement, values, timeout_seconds):
        columns = describe(connection, statement, values)
        for _, lines in csv_blocks(connection, statement, values, columns, is_neutral=False):
            yield from arrow_batches(lines, columns)


def csv_blocks(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Sequence[Any],
    columns: Sequence[Column],
    *,
    is_neutral: bool,
) -> Generator[Block, None, None]:
    """Yield rows as CSV, some thousand at once; NULL is an empty cell, an empty text is ``""``."""
    cells = [_csv_cell(column, is_neutral) for column in columns]
    return text_blocks(connection, statement, values, columns, cells)


def text_blocks(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Sequence[Any],
    columns: Sequence[Column],
    cells: Sequence[sql.Composable],
) -> Generator[Block, None, None]:
    """Yield some expressions over the columns of a statement as CSV, some thousand rows at once."""
    joined = sql.SQL(", ").join(cells)
    if not values:
        wrapped = _wrapped(connection, statement, columns, joined)
        command = b"COPY (" + wrapped + b") TO STDOUT (FORMAT csv)"
        for copied in copy_lines(connection, command, BLOCK_ROWS):
            yield len(copied), b"".join(copied)
        return
    # The text of a row is CSV in parentheses, but for backslashes, which are all doubled.
    wrapped = _wrapped(connection, statement, columns, sql.SQL("ROW({})::text").format(joined))
    for lines in _selected(connection, wrapped, values):
        text = "\n".join((*(line[1:-1] for line in lines), ""))
        yield len(lines), text.replace("\\\\", "\\").encode()


def count_rows(
    connection: psycopg.Connection[Any],
    statement: str,
    values: Sequence[Any],
    columns: Sequence[Column],
) -> int:
    """Return how many rows a statement has in the snapshot of the transaction."""
    with psycopg.RawCursor(connection) as cursor:
        wrapped = _wrapped(connection, statement, columns, sql.SQL("count(*)"))
        row = cursor.execute(wrapped, values or None).fetchone()
    return int(row[0]) if row else 0


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of a result."""
    return pa.schema(
        [(column.name, ARROW_TYPES.get(column.type_name, pa.string())) for column in columns]
    )


def arrow_batches(lines: bytes, columns: Sequence[Column]) -> list[pa.RecordBatch]:
    """Return lines of CSV as Arrow record batches.

    Raises:
        InvalidInput: A value is beyond what Arrow's type holds, such as an infinite date.
    """
    table = read_lines(lines, arrow_schema(columns))
    batches: list[pa.RecordBatch] = table.to_batches()
    return batches


def _csv_cell(column: Column, is_neutral: bool) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.type_name == "bool":
        return sql.SQL("{}::text").format(name)
    if column.type_name in _PLAIN:
        return name
    text = sql.SQL("to_jsonb({})::text" if column.is_array else "{}::text").format(name)
    return sql.SQL(_NEUTRAL).format(cell=text) if is_neutral else text


def _selected(
    connection: psycopg.Connection[Any], wrapped: bytes, values: Sequence[Any]
) -> Generator[list[str], None, None]:
    with (
        psycopg.RawCursor(connection) as cursor,
        streamed(cursor, wrapped, values, size=1000) as rows,
    ):
        held: list[str] = []
        for (line,) in rows:
            held.append(line)
            if len(held) == BLOCK_ROWS:
                yield held
                held = []
        if held:
            yield held


def _wrapped(
    connection: psycopg.Connection[Any],
    statement: str,
    columns: Sequence[Column],
    selected: sql.Composable,
) -> bytes:
    if not columns:
        raise InvalidInput("the statement returns no rows; give one that does, such as SELECT")
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    # The line breaks keep a trailing comment of the statement's from swallowing what follows.
    parts = (
        b"SELECT ",
        selected.as_bytes(connection),
        b" FROM (\n",
        statement.strip().removesuffix(";").encode(),
        b"\n) AS q (",
        names.as_bytes(connection),
        b")",
    )
    return b"".join(parts)
