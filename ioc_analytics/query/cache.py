"""Answers kept for the next one who asks the same: in memory, bounded in bytes and in age.

For: ``query.execution``. Not for: deciding what may be kept (``query.versions``).

An answer is kept under the login, the statement, the parameters and the row limit, together with
the versions of the tables it was read from. It is given out only while those are the tables'
versions, so it is never older than what a fresh run would say; the age is an upper bound on top.
"""

import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_SHARE_OF_ONE: Final = 4
"""An answer of more than the cache's bytes / this is not kept: it would push out all others."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What a kept answer answers."""

    login: str
    statement: str
    parameters: str
    """Digest of types and values."""

    max_rows: int


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it lies in the cache."""

    columns: tuple[str, ...]
    rows: bytes
    """Packed: its size is known, and nobody can change it from outside."""

    truncated: bool
    tables: tuple[str, ...]
    versions: Mapping[str, str]
    kept_at_seconds: float

    @property
    def size_bytes(self) -> int:
        """Bytes it takes, near enough."""
        names = sum(len(name) for name in (*self.columns, *self.tables))
        return len(self.rows) + 2 * names + 1024

    def unpack(self) -> list[dict[str, Any]]:
        """Return the rows, new ones at each call."""
        rows: list[tuple[Any, ...]] = pickle.loads(self.rows)  # noqa: S301 - packed by this process
        return [dict(zip(self.columns, row, strict=True)) for row in rows]


class AnswerCache:
    """Kept answers, the least recently used going first; threads may share it."""

    def __init__(self, max_bytes: int, timeout_millis: int) -> None:
        """Begin empty.

        Args:
            max_bytes: Bytes of all answers together.
            timeout_millis: Age in milliseconds at which an answer is no longer given.
        """
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_millis / 1000
        self._lock = threading.Lock()
        self._answers: OrderedDict[CacheKey, KeptAnswer] = OrderedDict()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Bytes that the kept answers take."""
        return self._size_bytes

    def __len__(self) -> int:
        """Return the number of kept answers."""
        return len(self._answers)

    def find(self, key: CacheKey) -> KeptAnswer | None:
        """Return the answer kept under a key, unless it is too old."""
        with self._lock:
            answer = self._answers.get(key)
            if answer is None:
                return None
            if time.monotonic() - answer.kept_at_seconds >= self._timeout_seconds:
                self._drop(key)
                return None
            self._answers.move_to_end(key)
            return answer

    def keep(
        self,
        key: CacheKey,
        columns: tuple[str, ...],
        data: list[dict[str, Any]],
        *,
        truncated: bool,
        tables: tuple[str, ...],
        versions: Mapping[str, str],
    ) -> None:
        """Keep an answer, unless it is too large for the cache."""
        packed = pickle.dumps([tuple(row.values()) for row in data], pickle.HIGHEST_PROTOCOL)
        answer = KeptAnswer(columns, packed, truncated, tables, versions, time.monotonic())
        with self._lock:
            self._drop(key)
            if answer.size_bytes > self._max_bytes // _SHARE_OF_ONE:
                return
            self._answers[key] = answer
            self._size_bytes += answer.size_bytes
            while self._size_bytes > self._max_bytes:
                self._drop(next(iter(self._answers)))

    def _drop(self, key: CacheKey) -> None:
        dropped = self._answers.pop(key, None)
        if dropped is not None:
            self._size_bytes -= dropped.size_bytes
