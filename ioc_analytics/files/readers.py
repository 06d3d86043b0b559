"""One file of any format we take: its columns, its rows, its digest.

For: ``files.batches``. Not for: what the columns mean, or folders.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ioc_analytics.files import delimited, jsonlines, parquet
from ioc_analytics.files.formats import FileFormat, Format, recognise
from ioc_analytics.files.streams import ByteStream, content_digest
from ioc_analytics.files.tables import RawChunk
from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.kernel.settings import LimitsSettings

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file whose format and columns are known."""

    path: Path
    name: str
    """Name relative to the batch; how messages call it."""

    format: FileFormat
    columns: tuple[str, ...]
    """Names, each once (see ``tables.unique_names``)."""

    repeated: frozenset[str]
    """Names that the header has more than once."""

    stamp: Stamp
    """Size, time of change and inode when the batch was opened."""

    limits: LimitsSettings
    header: delimited.Header | None = None

    def chunks(
        self, wanted: frozenset[str], plain: frozenset[str], n_rows: int
    ) -> Iterator[RawChunk]:
        """Yield the rows, at most ``n_rows`` at a time.

        Args:
            wanted: Columns to return; those that the file lacks are left out (JSONL: NULL).
            plain: Text columns that repeat no value, so that a dictionary would be of no use.
            n_rows: Most rows per chunk.

        Raises:
            InvalidInput: The file cannot be read as what it is.
            Unavailable: It changed while it was read.
        """
        self.check_unchanged()
        for chunk in self._read(wanted, plain, n_rows):
            yield from chunk.pieces(n_rows)
        self.check_unchanged()

    def _read(
        self, wanted: frozenset[str], plain: frozenset[str], n_rows: int
    ) -> Iterator[RawChunk]:
        if self.format.format is Format.PARQUET:
            yield from parquet.read_rows(self.path, self.name, wanted, plain, n_rows, self.limits)
            return
        with _stream(self.path, self.name, self.format, self.limits) as stream:
            if self.header is None:
                rows = jsonlines.read_rows(stream, self.name, wanted, self.limits)
            else:
                rows = delimited.read_rows(
                    stream, self.name, self.header, wanted, wanted - plain, self.limits
                )
            for chunk in rows:
                yield replace(chunk, share=stream.share)

    def digest(self) -> bytes:
        """Return the SHA-256 of the decompressed content (Parquet: of the file).

        Raises:
            Unavailable: The file changed while it was read.
        """
        compression = self.format.compression
        digest = content_digest(self.path, self.name, compression, self.limits)
        self.check_unchanged()
        return digest

    def check_unchanged(self) -> None:
        """Check that the file is the one that was opened.

        Raises:
            Unavailable: It is not.
        """
        try:
            now = _stamp(self.path)
        except OSError as error:
            raise Unavailable(f"{self.name} has gone while it was read; put it back") from error
        if now != self.stamp:
            raise Unavailable(
                f"{self.name} changed while it was read; wait until it is complete, then try again"
            )


def open_file(path: Path, name: str, limits: LimitsSettings) -> SourceFile:
    """Open a file: recognise its format and read the names of its columns.

    Raises:
        InvalidInput: It is no regular file that can be read, or of a format we do not take.
    """
    if not path.is_file():
        raise InvalidInput(f"{name} is no regular file")
    try:
        stamp = _stamp(path)
        file_format = recognise(path, name)
    except PermissionError as error:
        raise InvalidInput(f"{name} may not be read by this account; change its mode") from error
    header, repeated = None, frozenset[str]()
    if file_format.format is Format.PARQUET:
        columns = parquet.read_names(path, name, limits)
    else:
        with _stream(path, name, file_format, limits) as stream:
            if file_format.format is Format.JSON_LINES:
                columns = jsonlines.read_names(stream, name, limits)
            else:
                header = delimited.read_header(stream, name, limits)
                columns, repeated = header.columns, header.repeated
    return SourceFile(path, name, file_format, columns, repeated, stamp, limits, header)


def _stream(path: Path, name: str, file_format: FileFormat, limits: LimitsSettings) -> ByteStream:
    return ByteStream(path, name, file_format.compression, limits)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
