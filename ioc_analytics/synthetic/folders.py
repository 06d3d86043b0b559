"""The batch folders of one run: files under way, hidden until all of them are complete.

For: ``files``. Not for: the bytes of one file (``writers``).
"""

import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from ioc_analytics.synthetic.population import IntArray
from ioc_analytics.synthetic.writers import (
    Compression,
    FileFormat,
    Writer,
    file_name,
    open_writer,
)

_BUFFER_BYTES = 32 * 2**20  # what Parquet files of all folders together may hold back, per kind


class Folders:
    """One folder (``months`` 0), or one per calendar month, named ``2025-01`` and so on.

    Until ``publish`` they are hidden (``.2025-01.partial``), so that a watched inbox takes none of
    them half-written.
    """

    def __init__(
        self,
        out: Path,
        start: date,
        months: int,
        file_format: FileFormat,
        compression: Compression,
    ) -> None:
        self.as_text = file_format != "parquet"
        self._first = _month(start)
        numbers = range(self._first, self._first + months)
        names = [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
        self.targets = tuple(out / name for name in names) or (out,)
        self.rows: Counter[str] = Counter()
        self._format, self._compression = file_format, compression
        self._drafts = tuple(t.with_name(f".{t.name}.partial") for t in self.targets)
        self._writers: dict[tuple[int, str], Writer] = {}

    def __len__(self) -> int:
        return len(self.targets)

    def write(self, folder: int, kind: str, table: pa.Table) -> None:
        """Append rows, in the form the files need, to a kind's file of a folder."""
        if not table.num_rows:
            return
        writer = self._writers.get((folder, kind))
        if writer is None:
            draft = self._drafts[folder]
            draft.mkdir(parents=True, exist_ok=True)
            path = draft / file_name(kind, self._format, self._compression)
            room = _BUFFER_BYTES // len(self)
            writer = open_writer(path, table.schema, self._format, self._compression, room)
            self._writers[folder, kind] = writer
        writer.write(table)
        self.rows[kind] += table.num_rows

    def close(self) -> None:
        """Finish all files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def publish(self) -> None:
        """Give the folders their names, in order of time."""
        for draft, target in zip(self._drafts, self.targets, strict=True):
            if draft.exists():
                if target.exists():
                    target.rmdir()
                draft.rename(target)

    def discard(self) -> None:
        """Remove what is not complete."""
        self._writers = {}
        for draft in self._drafts:
            shutil.rmtree(draft, ignore_errors=True)

    def of_month(self, microseconds: IntArray) -> IntArray:
        """Return the number of the folder to which moments belong (the first one: or earlier)."""
        if len(self) == 1:
            return np.zeros(len(microseconds), np.int64)
        month = microseconds.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
        number: IntArray = np.clip(month + 12 * 1970 - self._first, 0, len(self) - 1)
        return number


def count_months(start: date, days: int) -> int:
    """Return the number of calendar months that a period of ``days`` days touches."""
    return _month(start + timedelta(days=days - 1)) - _month(start) + 1


def _month(day: date) -> int:
    return 12 * day.year + day.month - 1
