"""The bytes of a file, decompressed on the way and counted against the limits.

For: the readers of text formats and the digest of a batch. Not for: Parquet, read in place.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from ioc_analytics.files.formats import Compression
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings

BLOCK_BYTES: Final = 2 * 1024**2
_RATIO_FREE_BYTES: Final = 16 * 1024**2
"""Bytes of output before the ratio is judged: a short regular file may shrink a thousandfold."""


class ByteStream:
    """A file read from front to back, in blocks.

    Raises:
        InvalidInput: While reading: the compressed data are cut off or damaged, or a limit is
            passed; the message names the file, the byte and the limit.
    """

    def __init__(
        self, path: Path, name: str, compression: Compression, limits: LimitsSettings
    ) -> None:
        self._name = name
        self._compression = compression
        self._limits = limits
        self._raw = pa.OSFile(str(path))
        is_plain = compression is Compression.NONE
        self._input = (
            self._raw if is_plain else pa.CompressedInputStream(self._raw, compression.value)
        )
        self.expanded_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._raw.close()

    @property
    def share(self) -> float:
        """How much of the file was read so far, 0 to 1."""
        size: int = self._raw.size()
        return self._raw.tell() / size if size else 1.0

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """Return up to ``size`` decompressed bytes; none at the end."""
        try:
            block: bytes = self._input.read(size)
        except OSError as error:
            raise self._damage(error) from error
        self.expanded_bytes += len(block)
        self._check_limits()
        return block

    def blocks(self) -> Iterator[bytes]:
        """Yield the content block by block."""
        while block := self.read():
            yield block

    def _damage(self, error: OSError) -> InvalidInput:
        is_cut = "Truncated" in str(error)
        what = "ends too early" if is_cut else "is damaged"
        return InvalidInput(
            f"{self._name}: the {self._compression} data {what} at byte {self._raw.tell()}; "
            "copy the file again"
        )

    def _check_limits(self) -> None:
        limits = self._limits
        if self.expanded_bytes > limits.max_expanded_bytes:
            raise InvalidInput(
                f"{self._name}: more than {limits.max_expanded_bytes} bytes of content; "
                "split it, or raise limits.max_expanded_bytes"
            )
        if self._compression is Compression.NONE or self.expanded_bytes <= _RATIO_FREE_BYTES:
            return
        ratio = self.expanded_bytes / max(self._raw.tell(), 1)
        if ratio > limits.max_expansion_ratio:
            raise InvalidInput(
                f"{self._name}: {self._raw.tell()} bytes expand to more than "
                f"{self.expanded_bytes}, over {limits.max_expansion_ratio} times as many; "
                "no real export does. Raise limits.max_expansion_ratio if this one is real"
            )


def content_digest(
    path: Path, name: str, compression: Compression, limits: LimitsSettings
) -> bytes:
    """Return the SHA-256 of the decompressed content of a file."""
    digest = hashlib.sha256()
    with ByteStream(path, name, compression, limits) as stream:
        for block in stream.blocks():
            digest.update(block)
    return digest.digest()
