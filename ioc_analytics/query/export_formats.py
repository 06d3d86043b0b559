"""The files an export can be: csv, json, jsonl, parquet, arrow, xlsx.

For: ``query.export``. Not for: where files lie and what is promised of them.
"""

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from ioc_analytics.kernel.ahead import read_ahead
from ioc_analytics.query.json_lines import json_blocks
from ioc_analytics.query.statements import Column
from ioc_analytics.query.streaming import (
    BLOCK_ROWS,
    Block,
    arrow_batches,
    arrow_schema,
    csv_blocks,
    neutralized,
)
from ioc_analytics.records.answers import to_json

XLSX_MAX_ROWS: Final = 1_048_575
"""Rows of a sheet, its head not counted."""


@dataclass(frozen=True, slots=True)
class Source:
    """A described statement within its snapshot."""

    connection: psycopg.Connection[Any]
    statement: str
    values: Sequence[Any]
    columns: tuple[Column, ...]


def write_csv(source: Source, file: IO[bytes], include_headers: bool) -> int:
    """Write CSV (UTF-8, comma, line feed) and return the rows written."""
    if include_headers:
        quoted = (neutralized(c.name).replace('"', '""') for c in source.columns)
        file.write((",".join(f'"{name}"' for name in quoted) + "\n").encode())
    return _write_blocks(_csv(source, is_neutral=True), file)


def write_jsonl(source: Source, file: IO[bytes], include_headers: bool) -> int:
    """Write a JSON object per line and return the rows written."""
    return _write_blocks(_json(source), file)


def write_json(source: Source, file: IO[bytes], include_headers: bool) -> int:
    """Write one JSON array of objects and return the rows written."""
    rows = 0
    file.write(b"[")
    with closing(_json(source)) as blocks:
        for n_rows, lines in blocks:
            file.write((b",\n" if rows else b"\n") + bytes(lines[:-1]).replace(b"\n", b",\n"))
            rows += n_rows
    file.write(b"\n]\n")
    return rows


def write_parquet(source: Source, file: IO[bytes], include_headers: bool) -> int:
    """Write Parquet (zstd inside) and return the rows written."""
    with pq.ParquetWriter(file, arrow_schema(source.columns), compression="zstd") as writer:
        return _write_batches(source, writer.write_batch)


def write_arrow(source: Source, file: IO[bytes], include_headers: bool) -> int:
    """Write an Arrow stream and return the rows written."""
    with pa.ipc.new_stream(file, arrow_schema(source.columns)) as writer:
        return _write_batches(source, writer.write_batch)


def write_xlsx(source: Source, file: IO[bytes], include_headers: bool) -> int:
    """Write a workbook of one sheet and return the rows written; texts stay texts."""
    import xlsxwriter  # 10 MB that only workbooks need

    # Row after row to a file of its own beside the target, never the whole sheet in memory.
    options = {
        "constant_memory": True,
        "tmpdir": str(Path(file.name).parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
        "remove_timezone": True,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
    }
    at = 0
    with xlsxwriter.Workbook(file, options) as workbook:
        sheet = workbook.add_worksheet()
        if include_headers:
            sheet.write_row(0, 0, [neutralized(column.name) for column in source.columns])
            at = 1
        first = at
        with closing(_batches(source, is_neutral=True)) as batches:
            for row in _rows(batches):
                for place, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(at, place, value)
                    elif value is not None:
                        sheet.write(at, place, value)
                at += 1
    return at - first


WRITERS: Final[dict[str, Callable[[Source, IO[bytes], bool], int]]] = {
    "csv": write_csv,
    "json": write_json,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
    "arrow": write_arrow,
    "xlsx": write_xlsx,
}


def _table_csv(table: pa.Table, file: IO[bytes]) -> None:
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            texts = [text and neutralized(text) for text in table.column(place).to_pylist()]
            table = table.set_column(place, field, pa.array(texts, field.type))
    csv.write_csv(table, file)


def _table_jsonl(table: pa.Table, file: IO[bytes]) -> None:
    for batch in table.to_batches(max_chunksize=BLOCK_ROWS):
        for row in batch.to_pylist():
            file.write(json.dumps(to_json(row), ensure_ascii=False).encode() + b"\n")


def _table_parquet(table: pa.Table, file: IO[bytes]) -> None:
    pq.write_table(table, file, compression="zstd")


def _table_arrow(table: pa.Table, file: IO[bytes]) -> None:
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


TABLE_WRITERS: Final[dict[str, Callable[[pa.Table, IO[bytes]], None]]] = {
    "csv": _table_csv,
    "jsonl": _table_jsonl,
    "parquet": _table_parquet,
    "arrow": _table_arrow,
}
"""The same for a table that is in memory."""


def _csv(source: Source, *, is_neutral: bool) -> Generator[Block, None, None]:
    # A thread receives rows while those that are here are converted and written.
    return read_ahead(
        csv_blocks(
            source.connection,
            source.statement,
            source.values,
            source.columns,
            is_neutral=is_neutral,
        )
    )


def _json(source: Source) -> Generator[tuple[int, memoryview], None, None]:
    return read_ahead(
        json_blocks(source.connection, source.statement, source.values, source.columns)
    )


def _batches(source: Source, *, is_neutral: bool = False) -> Generator[pa.RecordBatch, None, None]:
    with closing(_csv(source, is_neutral=is_neutral)) as blocks:
        for _, lines in blocks:
            yield from arrow_batches(lines, source.columns)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _write_blocks(
    blocks: Generator[tuple[int, bytes | memoryview], None, None], file: IO[bytes]
) -> int:
    rows = 0
    with closing(blocks):
        for n_rows, lines in blocks:
            file.write(lines)
            rows += n_rows
    return rows


def _write_batches(source: Source, write: Callable[[pa.RecordBatch], None]) -> int:
    rows = 0
    with closing(_batches(source)) as batches:
        for batch in batches:
            write(batch)
            rows += batch.num_rows
    return rows
