"""COPY in and out in the binary format: Arrow batches in, fixed-width numpy rows out.

For: ingestion and states, which move millions of rows. Not for: small results (use a cursor).

Both directions run inside the caller's own transaction, on the caller's psycopg connection.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, LiteralString

import numpy as np
import numpy.typing as npt
import pgpq
import psycopg
import pyarrow as pa
from psycopg import generators, sql

from ioc_analytics.kernel.errors import IntegrityFailure

_HEADER_BYTES: Final = 19
_TRAILER: Final = b"\xff\xff"
_BLOCK_BYTES: Final = 8 * 1024 * 1024

FIXED_TYPES: Final[Mapping[str, str]] = {
    "bool": "?",
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float8": ">f8",
    "uuid": "V16",
}
"""PostgreSQL types of fixed width and how numpy reads their binary form."""


def copy_in(
    connection: psycopg.Connection[Any],
    schema: str,
    table: str,
    batches: Iterable[pa.RecordBatch],
    ahead: Callable[[Iterator[bytes]], Iterable[bytes]] = iter,
) -> int:
    """Write Arrow batches of one schema into a table; their column names are the columns written.

    Fixed-size binary of 16 bytes goes into ``uuid`` columns and text into enums: their binary
    forms are the same.

    Args:
        connection: The caller's connection.
        schema: Schema of the table.
        table: The table.
        batches: Rows, in the order in which they are written.
        ahead: How the encoded rows are taken: ``kernel.ahead.read_ahead`` lets a thread make them.

    Returns:
        Rows written.
    """
    filled = (batch for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        return 0
    n_rows = 0

    def encoded() -> Iterator[bytes]:
        nonlocal n_rows
        encoder = pgpq.ArrowToPostgresBinaryEncoder(first.schema)
        yield encoder.write_header()
        for batch in chain((first,), filled):
            n_rows += batch.num_rows
            yield encoder.write_batch(batch)
        yield encoder.finish()

    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(sql.Identifier(name) for name in first.schema.names),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for data in ahead(encoded()):
            copy.write(data)
    return n_rows


def copy_rows_in(
    connection: psycopg.Connection[Any],
    schema: str,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Write Python rows into a table, and return how many; for thousands, not millions.

    Args:
        connection: The caller's connection; nothing else may use it while ``rows`` are made.
        schema: Schema of the table.
        table: The table.
        columns: Names of the values of each row.
        rows: Values as psycopg adapts them.
    """
    n_rows = 0
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            n_rows += 1
    return n_rows


def copy_out(
    connection: psycopg.Connection[Any],
    statement: LiteralString | sql.Composable,
    parameters: Mapping[str, object] | Sequence[object] | None,
    columns: Sequence[tuple[str, str]],
) -> Iterator[npt.NDArray[np.void]]:
    """Read a query whose columns all have a fixed width, without a Python object per value.

    Args:
        connection: The caller's connection.
        statement: A SELECT; none of its columns may be NULL (coalesce in the statement).
        parameters: Parameters of the statement, bound on the client (COPY takes none).
        columns: Name and type of each column: a key of ``FIXED_TYPES``, or ``bytea:N`` for byte
            strings that all have N bytes.

    Yields:
        Structured arrays with one field per column, in big-endian byte order, about 8 MiB each.

    Raises:
        IntegrityFailure: A value has not the width that was declared, or is NULL.
    """
    layout = _row_layout(columns)
    widths = [np.dtype(_numpy_type(kind)).itemsize for _, kind in columns]
    if isinstance(statement, str):
        statement = sql.SQL(statement)
    command = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(statement)
    n_rows = max(1, _BLOCK_BYTES // layout.itemsize)
    held: list[bytes] = []
    with connection.cursor() as cursor, cursor.copy(command, parameters) as copy:
        skipped = _HEADER_BYTES  # the header comes with the first row
        for messages in _arriving(connection, copy):
            messages[0], skipped = messages[0][skipped:], 0
            held += messages
            # The last message may be the trailer, which is no row.
            while len(held) > n_rows:
                yield _decode(b"".join(held[:n_rows]), layout, widths)
                held = held[n_rows:]
    data = b"".join(held).removesuffix(_TRAILER)
    if data:
        yield _decode(data, layout, widths)


def copy_lines(
    connection: psycopg.Connection[Any], command: bytes, n_rows: int
) -> Iterator[list[bytes]]:
    """Read a COPY TO STDOUT in a text format: lines as the server wrote them, ``n_rows`` at once.

    Args:
        connection: The caller's connection.
        command: The COPY.
        n_rows: Rows per list, but for the last one. A row is a line, or several where a quoted
            value has line breaks.
    """
    held: list[bytes] = []
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        for lines in _arriving(connection, copy):
            held += lines
            while len(held) >= n_rows:
                yield held[:n_rows]
                held = held[n_rows:]
    if held:
        yield held


def _arriving(connection: psycopg.Connection[Any], copy: psycopg.Copy) -> Iterator[list[bytes]]:
    """Give the messages of a COPY TO STDOUT, those that are here together: one per row."""
    take = connection.pgconn.get_copy_data
    for block in copy:  # waits for the server
        messages = [bytes(block)]
        # What is here already is taken straight from libpq: psycopg's way costs 7 us a row.
        length, data = take(1)
        while length > 0:
            messages.append(bytes(data))
            length, data = take(1)
        yield messages
        if length < 0:
            _end_copy(connection)
            return


def _end_copy(connection: psycopg.Connection[Any]) -> None:
    for result in connection.wait(generators.fetch_many(connection.pgconn)):
        if result.error_message:
            raise psycopg.errors.error_from_result(result)


def uuid_array_literal(identifiers: npt.NDArray[np.uint8]) -> str:
    """Return ``(n, 16)`` bytes as the text of a ``uuid[]``, for a parameter ``%s::uuid[]``."""
    digits = np.ascontiguousarray(identifiers).tobytes().hex()
    return "{" + ",".join(digits[at : at + 32] for at in range(0, len(digits), 32)) + "}"


def _numpy_type(kind: str) -> str:
    return f"V{kind.removeprefix('bytea:')}" if kind.startswith("bytea:") else FIXED_TYPES[kind]


def _row_layout(columns: Sequence[tuple[str, str]]) -> np.dtype[np.void]:
    # A row of binary COPY: number of fields, then length and bytes of each.
    fields: list[tuple[str, str]] = [("__fields", ">i2")]
    for name, kind in columns:
        fields += [(f"__length_{name}", ">i4"), (name, _numpy_type(kind))]
    return np.dtype(fields)


def _decode(data: bytes, layout: np.dtype[np.void], widths: Sequence[int]) -> npt.NDArray[np.void]:
    if len(data) % layout.itemsize:
        raise IntegrityFailure("a row of a fixed-width COPY has another width than was declared")
    rows = np.frombuffer(data, dtype=layout)
    names = [name for name in layout.names or () if not name.startswith("__")]
    for name, width in zip(names, widths, strict=True):
        if (rows[f"__length_{name}"] != width).any():
            raise IntegrityFailure(
                f"column {name} of a fixed-width COPY holds a NULL or a value not of {width} bytes"
            )
    return rows[names]
