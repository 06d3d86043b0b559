"""What a file is: its format, its compression, its name without either.

For: ``files.batches``. Not for: what stands in it (``files.readers``).

The name says what is meant, the first bytes say what is there; where they disagree the file is
refused rather than guessed at.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from ioc_analytics.kernel.errors import InvalidInput


class Format(StrEnum):
    """How records stand in a file."""

    DELIMITED = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


class Compression(StrEnum):
    """How the bytes of a file are compressed as a whole."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_FORMATS: Final = {
    ".csv": Format.DELIMITED,
    ".tsv": Format.DELIMITED,
    ".tab": Format.DELIMITED,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}
_COMPRESSIONS: Final = {
    ".gz": Compression.GZIP,
    ".gzip": Compression.GZIP,
    ".zst": Compression.ZSTD,
    ".zstd": Compression.ZSTD,
}
_MAGIC: Final = {
    b"\x1f\x8b": Compression.GZIP,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
}
_FOREIGN: Final = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"%PDF": "a PDF",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"SQLite": "an SQLite database",
}
_PARQUET_MAGIC: Final = b"PAR1"

ACCEPTED: Final = "CSV, TSV, JSONL or Parquet, plain or compressed with gzip or zstd"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """Format and compression of one file."""

    format: Format
    compression: Compression
    stem: str
    """Name without the endings that say format and compression."""


def by_name(name: str) -> FileFormat | None:
    """Return the format that a file name promises, or None when it promises none we take."""
    path = Path(name)
    compression = _COMPRESSIONS.get(path.suffix.lower(), Compression.NONE)
    if compression is not Compression.NONE:
        path = path.with_suffix("")
    file_format = _FORMATS.get(path.suffix.lower())
    if file_format is None:
        return None
    return FileFormat(file_format, compression, path.stem)


def recognise(path: Path, name: str) -> FileFormat:
    """Return the format of a file after a look at its first bytes.

    Args:
        path: The file.
        name: How messages call it.

    Raises:
        InvalidInput: The name promises no format we take, the file is empty, or the first bytes
            belong to something else.
    """
    promised = by_name(name)
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise InvalidInput(f"{name} is empty: 0 bytes. Was it still being written?")
    foreign = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), None)
    if foreign or promised is None:
        raise InvalidInput(f"{name} is {foreign or 'of no known format'}; give it as {ACCEPTED}")
    found = next((c for magic, c in _MAGIC.items() if head.startswith(magic)), Compression.NONE)
    if found is not promised.compression:
        raise InvalidInput(
            f"{name}: the name says compression {promised.compression}, "
            f"the content is {found}. Name it for what it is"
        )
    is_parquet = head.startswith(_PARQUET_MAGIC)
    if promised.format is Format.PARQUET and found is not Compression.NONE:
        raise InvalidInput(
            f"{name}: Parquet is compressed inside; unpack the outer {found} compression"
        )
    if is_parquet is not (promised.format is Format.PARQUET):
        actual = "is Parquet" if is_parquet else "is not Parquet"
        raise InvalidInput(f"{name}: the content {actual}. Name it for what it is")
    return promised
