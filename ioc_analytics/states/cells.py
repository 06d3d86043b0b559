"""Cells of trait scores: counts per distinct score and co-moments, packed, merged, regrouped.

For: building, merging and reading trait states. Not for: the database (``states.rebuild``,
``states.reading``) or the figures (``statistics``).

A set of cells is held as flat arrays: one record per (cell, trait, distinct score) and one per
(cell, pattern of scored traits). Merging is addition, so it is exact and takes any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics.moments import (
    MOMENT_DTYPE,
    MomentArray,
    merge_by_group,
    moments_by_group,
)

COUNT_DTYPE: Final = np.dtype([("trait", "u1"), ("score", ">f8"), ("n", ">u4")])
"""A packed count: big-endian, so that SQL can read it too."""


@dataclass(frozen=True, slots=True)
class TraitCells:
    """Trait states of ``n_cells`` cells."""

    n_cells: int
    responses: npt.NDArray[np.int64]
    """Responses with at least one score per cell, shape ``(n_cells,)``."""

    count_cells: npt.NDArray[np.int64]
    """Cell of each count, ascending."""

    counts: npt.NDArray[np.void]
    """``COUNT_DTYPE`` records, within a cell by trait and score."""

    moment_cells: npt.NDArray[np.int64]
    """Cell of each moment record, ascending."""

    moments: MomentArray
    """``MOMENT_DTYPE`` records, within a cell by pattern."""

    @classmethod
    def from_scores(
        cls, scores: npt.NDArray[np.float64], cells: npt.NDArray[np.int64], n_cells: int
    ) -> Self:
        """Count the scores of responses.

        Args:
            scores: Shape ``(n_responses, 5)``, NaN where a trait is not scored.
            cells: Cell of each response, shape ``(n_responses,)``.
            n_cells: Number of cells.
        """
        has_score = ~np.isnan(scores)
        people, traits = np.nonzero(has_score)
        distinct, codes = np.unique(scores[has_score], return_inverse=True)
        keys = (cells[people] * len(TRAITS) + traits) * max(len(distinct), 1) + codes
        found, numbers = np.unique(keys, return_counts=True)
        counts = np.empty(len(found), dtype=COUNT_DTYPE)
        rest, code = np.divmod(found, max(len(distinct), 1))
        counts["trait"] = rest % len(TRAITS)
        counts["score"] = distinct[code]
        counts["n"] = numbers
        moment_cells, moments = moments_by_group(scores, cells, n_cells)
        responses = np.bincount(cells[has_score.any(axis=1)], minlength=n_cells)
        return cls(n_cells, responses, rest // len(TRAITS), counts, moment_cells, moments)

    @classmethod
    def unpack(
        cls, responses: Sequence[int], counts: Sequence[bytes], moments: Sequence[bytes]
    ) -> Self:
        """Return the cells whose packed columns were read from the database."""
        cells = np.arange(len(responses))
        sizes = [len(part) // COUNT_DTYPE.itemsize for part in counts]
        patterns = [len(part) // MOMENT_DTYPE.itemsize for part in moments]
        return cls(
            len(responses),
            np.array(responses, dtype=np.int64),
            np.repeat(cells, sizes),
            np.frombuffer(b"".join(counts), dtype=COUNT_DTYPE),
            np.repeat(cells, patterns),
            np.frombuffer(b"".join(moments), dtype=MOMENT_DTYPE),
        )

    def pack(self) -> tuple[list[bytes], list[bytes]]:
        """Return the packed counts and moments of each cell."""
        return (
            _slices(self.counts, self.count_cells, self.n_cells),
            _slices(self.moments, self.moment_cells, self.n_cells),
        )

    def regroup(
        self,
        groups: npt.NDArray[np.int64],
        n_groups: int,
        signs: npt.NDArray[np.int64] | None = None,
    ) -> "TraitCells":
        """Merge cells into groups.

        Args:
            groups: Group of each cell, shape ``(n_cells,)``.
            n_groups: Number of groups.
            signs: 1 for a cell that is added, -1 for one that is taken away again, which is as
                exact; None: all are added.
        """
        if signs is None:
            signs = np.ones(self.n_cells, dtype=np.int64)
        counts, count_groups = self.counts, groups[self.count_cells]
        scores = counts["score"].astype(np.float64)
        distinct, codes = np.unique(scores, return_inverse=True)
        size = max(len(distinct), 1)
        keys = (count_groups * len(TRAITS) + counts["trait"]) * size + codes
        found, places = np.unique(keys, return_inverse=True)
        merged = np.empty(len(found), dtype=COUNT_DTYPE)
        rest, code = np.divmod(found, size)
        merged["trait"] = rest % len(TRAITS)
        merged["score"] = distinct[code]
        weights = counts["n"] * signs[self.count_cells]
        merged["n"] = np.bincount(places, weights=weights, minlength=len(found))
        moment_groups, moments = merge_by_group(
            groups[self.moment_cells], self._signed_moments(signs)
        )
        responses = np.bincount(groups, weights=self.responses * signs, minlength=n_groups)
        is_there, is_kept = merged["n"] > 0, moments["n"] > 0
        return TraitCells(
            n_groups,
            responses.astype(np.int64),
            (rest // len(TRAITS))[is_there],
            merged[is_there],
            moment_groups[is_kept],
            moments[is_kept],
        )

    def count_traits(self) -> npt.NDArray[np.int64]:
        """Return the scores of each trait per cell, shape ``(n_cells, 5)``."""
        places = self.count_cells * len(TRAITS) + self.counts["trait"]
        size = self.n_cells * len(TRAITS)
        counts = np.bincount(places, weights=self.counts["n"], minlength=size)
        return counts.astype(np.int64).reshape(self.n_cells, len(TRAITS))

    def choose(self, cells: Sequence[int]) -> "TraitCells":
        """Return some of the cells, in the order given."""
        counts, moments = self.pack()
        return TraitCells.unpack(
            [int(self.responses[cell]) for cell in cells],
            [counts[cell] for cell in cells],
            [moments[cell] for cell in cells],
        )

    def _signed_moments(self, signs: npt.NDArray[np.int64]) -> MomentArray:
        of_each = signs[self.moment_cells]
        if (of_each > 0).all():
            return self.moments
        signed = self.moments.copy()
        signed["n"] *= of_each
        signed["sums"] *= of_each[:, np.newaxis]
        signed["products"] *= of_each[:, np.newaxis]
        return signed

    def of_trait(self, trait: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return the distinct scores of one trait over all cells, ascending, and their counts."""
        mine = self.counts[self.counts["trait"] == trait]
        if self.n_cells == 1:
            # One cell is in order already, each score once.
            return mine["score"].astype(np.float64), mine["n"].astype(np.int64)
        values, places = np.unique(mine["score"].astype(np.float64), return_inverse=True)
        counts = np.zeros(len(values), dtype=np.int64)
        np.add.at(counts, places, mine["n"].astype(np.int64))
        return values, counts


def join_cells(parts: Sequence[TraitCells]) -> TraitCells:
    """Return the cells of all parts one after the other, not merged."""
    starts = np.cumsum([0, *(part.n_cells for part in parts)])
    return TraitCells(
        int(starts[-1]),
        np.concatenate([part.responses for part in parts] or [np.empty(0, dtype=np.int64)]),
        _joined(parts, "count_cells", starts),
        _stacked([part.counts for part in parts], COUNT_DTYPE),
        _joined(parts, "moment_cells", starts),
        _stacked([part.moments for part in parts], MOMENT_DTYPE),
    )


def _stacked(
    parts: Sequence[npt.NDArray[np.void]], dtype: np.dtype[np.void]
) -> npt.NDArray[np.void]:
    # numpy's concatenate brings records into the machine's byte order; packed ones have theirs.
    stacked = np.empty(sum(len(part) for part in parts), dtype=dtype)
    at = 0
    for part in parts:
        stacked[at : at + len(part)] = part
        at += len(part)
    return stacked


def _joined(
    parts: Sequence[TraitCells], name: str, starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    moved = [getattr(part, name) + start for part, start in zip(parts, starts, strict=False)]
    return np.concatenate(moved or [np.empty(0, dtype=np.int64)])


def _slices(records: npt.NDArray[Any], cells: npt.NDArray[np.int64], n_cells: int) -> list[bytes]:
    limits = np.searchsorted(cells, np.arange(n_cells + 1)) * records.itemsize
    data = records.tobytes()
    return [data[start:stop] for start, stop in zip(limits[:-1], limits[1:], strict=True)]
