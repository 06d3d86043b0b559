"""One growing file of records: Parquet, CSV or JSON lines, plain, gzip or zstd.

For: files of synthetic records. Not for: results for users (exports), reading (``files``).

Bytes depend on the tables written, their order and the version of pyarrow, and on nothing else.
"""

from gzip import GzipFile
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

FileFormat = Literal["parquet", "csv", "jsonl"]
Compression = Literal["gzip", "zstd"] | None

_ROW_GROUP_ROWS = 131_072
_LARGEST_ROW_GROUP_ROWS = 1_048_576
_GZIP_LEVEL = 4
_SUFFIXES = {None: "", "gzip": ".gz", "zstd": ".zst"}


class Writer(Protocol):
    """A file that takes tables of one schema."""

    def write(self, table: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write what is left and close the file."""


def file_name(kind: str, file_format: FileFormat, compression: Compression) -> str:
    """Return the name of a kind's file, such as ``responses.csv.gz``."""
    if file_format == "parquet":
        return f"{kind}.parquet"
    return f"{kind}.{file_format}{_SUFFIXES[compression]}"


def open_writer(
    path: Path,
    schema: pa.Schema,
    file_format: FileFormat,
    compression: Compression,
    buffer_bytes: int,
) -> Writer:
    """Open a new file.

    Args:
        path: Where; its name does not matter.
        schema: That of every table to come.
        file_format: Kind of file.
        compression: Of the whole file, or of the pages of a Parquet file (None: snappy).
        buffer_bytes: A Parquet file may hold back this much, to make row groups of useful size.
    """
    if file_format == "parquet":
        return _ParquetFile(path, schema, compression, buffer_bytes)
    if file_format == "csv":
        return _CsvFile(path, schema, compression)
    return _JsonLinesFile(path, compression)


def textual(table: pa.Table) -> pa.Table:
    """Return the table with times as texts such as ``2025-03-01T09:30:00.000Z``."""
    return pa.table({name: _without_times(table[name]) for name in table.column_names})


def _without_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        milliseconds = column.cast(pa.timestamp("ms", tz="UTC"))
        return pc.strftime(milliseconds, format="%Y-%m-%dT%H:%M:%SZ")
    return column


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


class _ParquetFile:
    def __init__(
        self, path: Path, schema: pa.Schema, compression: Compression, buffer_bytes: int
    ) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression=compression or "snappy")
        self._buffer: list[pa.Table] = []
        self._rows = self._bytes = 0
        self._buffer_bytes = buffer_bytes

    def write(self, table: pa.Table) -> None:
        self._buffer.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        if self._rows >= _ROW_GROUP_ROWS or self._bytes >= self._buffer_bytes:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            # Pages keep their dictionary only if it is one and the same in all pieces.
            group = pa.concat_tables(self._buffer).unify_dictionaries().combine_chunks()
            self._writer.write_table(group, row_group_size=_LARGEST_ROW_GROUP_ROWS)
        self._buffer, self._rows, self._bytes = [], 0, 0


class _CsvFile:
    def __init__(self, path: Path, schema: pa.Schema, compression: Compression) -> None:
        self._stream = _TextStream(path, compression)
        self._writer = pacsv.CSVWriter(self._stream.arrow, _decoded(schema.empty_table()).schema)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(_decoded(table))

    def close(self) -> None:
        self._writer.close()
        self._stream.close()


class _JsonLinesFile:
    def __init__(self, path: Path, compression: Compression) -> None:
        self._stream = _TextStream(path, compression)

    def write(self, table: pa.Table) -> None:
        pieces: list[pa.Array | str] = []
        for position, name in enumerate(table.column_names):
            pieces.append(("{" if position == 0 else ",") + f'"{name}":')
            pieces.append(_json_values(table[name].combine_chunks()))
        lines = pc.binary_join_element_wise(
            *pieces, "}\n", "", null_handling="replace", null_replacement="null"
        )
        # The text buffer of the column is the lines one after the other.
        offsets = memoryview(lines.buffers()[1]).cast("i")
        first, last = offsets[lines.offset], offsets[lines.offset + len(lines)]
        self._stream.arrow.write(lines.buffers()[2].slice(first, last - first))

    def close(self) -> None:
        self._stream.close()


class _TextStream:
    """A file, compressed or not, that Arrow writes to."""

    def __init__(self, path: Path, compression: Compression) -> None:
        self._gzip: GzipFile | None = None
        if compression == "gzip":
            # Arrow's own gzip stream knows level 9 only, which is six times slower. Without name
            # and time in its header, equal content gives equal bytes.
            self._raw = path.open("wb")
            self._gzip = GzipFile("", "wb", _GZIP_LEVEL, self._raw, mtime=0)
            self.arrow = pa.PythonFile(self._gzip, mode="w")
        else:
            self.arrow = pa.output_stream(str(path), compression=compression)

    def close(self) -> None:
        self.arrow.close()
        if self._gzip is not None:
            self._gzip.close()
            self._raw.close()


def _decoded(table: pa.Table) -> pa.Table:
    return pa.table({name: _plain(table[name]) for name in table.column_names})


def _json_values(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        words = _json_values(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, words).cast(words.type)
    if not pa.types.is_string(column.type):
        return column.cast(pa.string())
    escaped = column
    for raw, safe in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        if pc.any(pc.match_substring(escaped, raw)).as_py():
            escaped = pc.replace_substring(escaped, raw, safe)
    return pc.binary_join_element_wise('"', escaped, '"', "", null_handling="emit_null")
