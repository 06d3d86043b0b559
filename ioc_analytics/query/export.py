"""Rows of a statement, or of a table in memory, as a file with a manifest beside it.

For: the facade's exports. Not for: the formats (``query.export_formats``).

Counting, writing and naming the data versions happen in one snapshot. The file is written beside
its place and renamed once the rows written are the rows counted; a failure leaves nothing.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

import psycopg
import pyarrow as pa

from ioc_analytics.files.outputs import check_filename, failures_in_words, written_beside
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.query.execution import check_timeout, checked_options, reading
from ioc_analytics.query.export_formats import TABLE_WRITERS, WRITERS, XLSX_MAX_ROWS, Source
from ioc_analytics.query.statements import adapt, check_statement, describe
from ioc_analytics.query.streaming import count_rows
from ioc_analytics.query.versions import read_sources, read_versions
from ioc_analytics.records.answers import ExportResult, to_json

_FOLDER: Final = "ANALYTICS_EXPORT_FOLDER"
_SUFFIXES: Final = {"gzip": ".gz", "zstd": ".zst"}
_OPTION_TYPES: Final[Mapping[str, Any]] = {
    "filename": str,
    "include_headers": bool,
    "compression": str,
    "timeout_seconds": (int, float),
}


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How rows become a file."""

    format: str
    filename: str | None = None
    include_headers: bool = True
    compression: str | None = None
    timeout_seconds: float | None = None

    @classmethod
    def parse(cls, form: str, options: Mapping[str, Any] | None) -> "ExportOptions":
        """Return format and options, checked.

        Raises:
            InvalidInput: One of them is unknown, or the file name is not plain.
        """
        parsed = cls(form, **checked_options(options, _OPTION_TYPES, "export"))
        if form not in WRITERS:
            raise InvalidInput(
                f"unknown format {form!r}{did_you_mean(form, WRITERS)}; "
                f"formats are {', '.join(WRITERS)}"
            )
        if parsed.compression is not None and parsed.compression not in _SUFFIXES:
            raise InvalidInput(
                f"unknown compression {parsed.compression!r}"
                f"{did_you_mean(parsed.compression, _SUFFIXES)}; it is gzip or zstd"
            )
        if parsed.compression and form in ("parquet", "xlsx"):
            raise InvalidInput(f"{form} is compressed inside; leave the option compression out")
        if parsed.filename is not None:
            check_filename(parsed.filename, _FOLDER)
        check_timeout(parsed.timeout_seconds)
        return parsed

    def name(self) -> str:
        """Return the file's name: the one given, or one of ours, with the compression's suffix."""
        name = self.filename or f"export-{utc_now():%Y%m%dT%H%M%S%f}Z.{self.format}"
        suffix = _SUFFIXES.get(self.compression or "", "")
        return name if name.endswith(suffix) else name + suffix


def export(
    connection: psycopg.Connection[Any],
    statement: str,
    parameters: Sequence[Any],
    options: ExportOptions,
    folder: Path,
) -> ExportResult:
    """Write the rows of a statement to a file.

    Raises:
        InvalidInput: The statement is wrong, or has too many rows for the format.
        ConfigurationError: The folder cannot be written.
        Unavailable: The disk is full.
        IntegrityFailure: The rows written are not the rows counted.
    """
    check_statement(statement)
    values = adapt(parameters)

    def fill(target: IO[bytes]) -> tuple[int, dict[str, Any]]:
        with reading(connection, statement, values, options.timeout_seconds):
            columns = describe(connection, statement, values)
            sources = read_sources(connection, statement, values)
            versions = read_versions(connection, sources.tables)
            source = Source(connection, statement, values, columns)
            counted = count_rows(connection, statement, values, columns)
            if options.format == "xlsx" and counted > XLSX_MAX_ROWS:
                raise InvalidInput(
                    f"the statement has {counted:,} rows, a sheet takes {XLSX_MAX_ROWS:,}; "
                    "export csv or parquet, or ask for less"
                )
            written = WRITERS[options.format](source, target, options.include_headers)
        if written != counted:
            raise IntegrityFailure(
                f"{counted:,} rows were counted and {written:,} written: the statement does not "
                "answer alike twice, such as one with random(); nothing was exported"
            )
        return written, {
            "query": statement,
            "parameters": to_json(list(parameters)),
            "columns": [{"name": c.name, "type": c.type_name} for c in columns],
            "data_versions": dict(versions),
            "tables": list(sources.tables),
        }

    return _place(folder, options, fill)


def check_takes_table(options: ExportOptions) -> None:
    """Refuse a format that no table is written in.

    Raises:
        InvalidInput: It is one.
    """
    if options.format not in TABLE_WRITERS:
        raise InvalidInput(
            f"a table is exported as {', '.join(TABLE_WRITERS)}, not as {options.format}"
        )


def export_table(
    table: pa.Table, facts: Mapping[str, Any], options: ExportOptions, folder: Path
) -> ExportResult:
    """Write a table that is in memory to a file, as ``export`` does the rows of a statement.

    Args:
        table: The rows.
        facts: What the manifest says of where they come from, ready for JSON.
        options: Format (``TABLE_WRITERS``), name and compression.
        folder: Where the file goes.

    Raises:
        InvalidInput: The format takes no table.
        ConfigurationError: The folder cannot be written.
        Unavailable: The disk is full.
    """
    check_takes_table(options)

    def fill(target: IO[bytes]) -> tuple[int, dict[str, Any]]:
        TABLE_WRITERS[options.format](table, target)
        columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
        return table.num_rows, {**facts, "columns": columns}

    return _place(folder, options, fill)


def _place(
    folder: Path, options: ExportOptions, fill: Callable[[IO[bytes]], tuple[int, dict[str, Any]]]
) -> ExportResult:
    """Let a file be filled beside its place, and put it there with its manifest."""
    path = folder / options.name()
    with (
        failures_in_words(folder, "exports", _FOLDER),
        written_beside(path) as file,
    ):
        with _compressed(file, options.compression) as target:
            written, facts = fill(target)
        file.flush()
        manifest = {
            "filename": path.name,
            "format": options.format,
            "compression": options.compression,
            "exported_at": utc_now().isoformat(),
            "row_count": written,
            "size_bytes": Path(file.name).stat().st_size,
            "sha256": _digest(Path(file.name)),
            **facts,
        }
        with written_beside(path.with_name(f"{path.name}.manifest.json")) as beside:
            beside.write(json.dumps(manifest, ensure_ascii=False, indent=2).encode())
    return ExportResult(
        filename=path.name,
        path=path,
        row_count=written,
        size_bytes=cast(int, manifest["size_bytes"]),
        checksum=cast(str, manifest["sha256"]),
        manifest=manifest,
    )


@contextmanager
def _compressed(file: IO[bytes], compression: str | None) -> Iterator[IO[bytes]]:
    match compression:
        case "gzip":
            # Level 6 costs a fifth of level 9's time for 2 % more bytes.
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                yield cast(IO[bytes], packed)
        case "zstd":
            with pa.output_stream(file.name, compression="zstd") as stream:
                yield cast(IO[bytes], stream)
        case _:
            yield file


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
