"""Rows as a reader hands them on, before anybody judges them.

For: the readers and ``files.batches``. Not for: judged tables (``records.judge``).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ioc_analytics.records.judge import Fault


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Some rows of a file."""

    table: pa.Table
    """Texts, or the native types of Parquet."""

    lines: pa.Array
    """Line (text) or row number (Parquet) of each row, from 1."""

    faults: list[Fault] = field(default_factory=list)
    """Lines of the same stretch that could not become rows."""

    share: float = 0.0
    """How much of the file was read when they came, 0 to 1."""

    def pieces(self, most: int) -> Iterator["RawChunk"]:
        """Cut into pieces of about equal size with at most so many rows; faults go first."""
        n_rows = self.table.num_rows
        n_pieces = max(1, -(-n_rows // most))
        for piece in range(n_pieces):
            start, end = n_rows * piece // n_pieces, n_rows * (piece + 1) // n_pieces
            yield RawChunk(
                self.table.slice(start, end - start),
                self.lines.slice(start, end - start),
                [] if piece else self.faults,
                self.share,
            )


def unique_names(names: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return column names made unique, and those that stood there more than once.

    Blanks around a name are cut off; an empty name becomes ``column N``; a repeated one gets
    ``#2``, ``#3``.

    Example:
        >>> unique_names(["id", "", "Other", "Other"])
        (('id', 'column 2', 'Other', 'Other#2'), frozenset({'Other'}))
    """
    plain = [name.strip() or f"column {place}" for place, name in enumerate(names, 1)]
    seen: Counter[str] = Counter()
    unique = []
    for name in plain:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return tuple(unique), frozenset(name for name, times in seen.items() if times > 1)
