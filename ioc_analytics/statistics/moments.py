"""Co-moments of the five trait scores: the mergeable state behind correlations.

For: states that keep them per cell and day, ``correlation`` that reads them. Not for: percentiles
or skewness (``distributions`` has them from counts), or moments of items (``item_moments``).

People answer different sets of traits. One record per *pattern* of scored traits keeps every pair's
own n, so that a correlation rests on all the people who have both scores (pairwise deletion), and
not on those who have all five.

Merging is exact, and so takes any order: deviations from 50 are kept as multiples of 2^-26 points
and their products as multiples of 2^-20, and such sums lose nothing in a double until a cell holds
millions of extreme scores (3.4 million at 0 or 100, tens of millions of ordinary ones; beyond,
order shows in the 16th digit). Scores on a grid of halves, quarters, ... (IPIP-50: 2.5 points) are
kept without any rounding; others (TIPI: 25/3 points) within 8e-9 and 5e-7, which moves the
correlation of a group of ordinary spread by less than 1e-7. Scores that differ by hundredths of a
point only may pass for constant.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.vocabularies import TRAITS

MomentArray = npt.NDArray[np.void]

MOMENT_DTYPE: Final = np.dtype(
    [("pattern", "u1"), ("n", "<i8"), ("sums", "<f8", (5,)), ("products", "<f8", (15,))]
)
"""One record per pattern: bit t of ``pattern`` is set when trait t of ``TRAITS`` is scored; ``n``
people have exactly these traits; ``sums`` of their scores minus 50; ``products`` of these, over the
pairs of ``PRODUCT_PAIRS``. What belongs to a trait without a score is 0."""

PRODUCT_PAIRS: Final = tuple((a, b) for a in range(5) for b in range(a, 5))
"""Trait indices of the 15 products: (0, 0), (0, 1), ... (4, 4)."""

CENTRE_POINTS: Final = 50.0
"""The middle of the scale, subtracted from every score before it is summed."""

CONSTANT_VARIANCE: Final = 2.0**-19
"""A variance up to this (in squared points) may be all rounding, and counts as none."""

_SUM_STEPS: Final = 2.0**26
_PRODUCT_STEPS: Final = 2.0**20
_BLOCK_ROWS: Final = 65_536
_PATTERNS: Final = 1 << len(TRAITS)
_FIRST, _SECOND = np.array(PRODUCT_PAIRS).T


@dataclass(frozen=True, slots=True)
class PairMoments:
    """Moments of two traits over the people who have both scores."""

    sample_size: int
    """Number of people with both scores."""

    mean_x: float | None
    """Mean of the first trait, in points; None without people."""

    mean_y: float | None
    """Mean of the second trait, in points; None without people."""

    variance_x: float | None
    """Variance (n-1) of the first trait, in squared points; None below 2 people."""

    variance_y: float | None
    """Variance (n-1) of the second trait; None below 2 people."""

    covariance: float | None
    """Covariance (n-1) of both; None below 2 people."""


def moments_from_vectors(scores: npt.ArrayLike) -> MomentArray:
    """Return the moments of people's score vectors.

    Args:
        scores: Shape ``(n_respondents, 5)``, traits in the order of ``TRAITS``, points 0..100; NaN
            where a trait is not scored. People without any score are left out.

    Returns:
        ``MOMENT_DTYPE`` records, one per pattern that occurs, by ascending pattern.

    Raises:
        InvalidInput: The shape is another one, or a score lies outside 0..100.

    Source:
        R: ``crossprod(scores - 50)`` within each pattern of ``is.na(scores)``.

    Example:
        >>> moments = moments_from_vectors([[60.0, 50.0, 50.0, 50.0, 40.0]])
        >>> int(moments["pattern"][0]), moments["sums"][0].tolist()
        (31, [10.0, 0.0, 0.0, 0.0, -10.0])
    """
    vectors = np.asarray(scores, dtype=np.float64)
    if vectors.ndim != 2 or vectors.shape[1] != len(TRAITS):
        raise InvalidInput(f"scores must have the shape (n, {len(TRAITS)}), found {vectors.shape}")
    starts = range(0, len(vectors), _BLOCK_ROWS)
    return merge_moments(_block_moments(vectors[i : i + _BLOCK_ROWS]) for i in starts)


def moments_by_group(
    scores: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], n_groups: int
) -> tuple[npt.NDArray[np.int64], MomentArray]:
    """Return the moments of many groups at once.

    Args:
        scores: As for ``moments_from_vectors``.
        groups: Group of each person, 0 to ``n_groups - 1``, shape ``(n_respondents,)``.
        n_groups: Number of groups.

    Returns:
        The group of each record, ascending, and the records: one per group and pattern.

    Example:
        >>> groups, moments = moments_by_group(np.full((3, 5), 60.0), np.array([1, 0, 1]), 2)
        >>> groups.tolist(), moments["n"].tolist()
        ([0, 1], [1, 2])
    """
    codes, columns = _deviation_columns(scores)
    cells = groups * _PATTERNS + codes
    totals = np.bincount(cells, minlength=n_groups * _PATTERNS)
    used = np.flatnonzero(totals)
    used = used[used % _PATTERNS > 0]
    found = np.zeros(used.size, dtype=MOMENT_DTYPE)
    found["pattern"] = used % _PATTERNS
    found["n"] = totals[used]
    for field, block in zip(("sums", "products"), columns, strict=True):
        for place, column in enumerate(block.T):
            found[field][:, place] = np.bincount(cells, weights=column, minlength=totals.size)[used]
    return used // _PATTERNS, found


def merge_by_group(
    groups: npt.NDArray[np.int64], moments: MomentArray
) -> tuple[npt.NDArray[np.int64], MomentArray]:
    """Return the records of each group merged: one per group and pattern, ascending.

    Args:
        groups: Group of each record, shape ``(n_records,)``.
        moments: ``MOMENT_DTYPE`` records.
    """
    keys, places = np.unique(groups * _PATTERNS + moments["pattern"], return_inverse=True)
    merged = np.zeros(keys.size, dtype=MOMENT_DTYPE)
    merged["pattern"] = keys % _PATTERNS
    merged["n"] = np.bincount(places, weights=moments["n"], minlength=keys.size)
    for field in ("sums", "products"):
        for place in range(merged[field].shape[1]):
            merged[field][:, place] = np.bincount(
                places, weights=moments[field][:, place], minlength=keys.size
            )
    return keys // _PATTERNS, merged


def merge_moments(parts: Iterable[MomentArray]) -> MomentArray:
    """Return the moments of all parts together.

    Args:
        parts: Arrays of ``MOMENT_DTYPE``, of any cells.

    Returns:
        ``MOMENT_DTYPE`` records, one per pattern that occurs, by ascending pattern.

    Raises:
        InvalidInput: A part has another dtype.

    Source:
        Sums add up; nothing is recentred, so nothing is lost.

    Example:
        >>> part = moments_from_vectors([[60.0, 50.0, 50.0, 50.0, 40.0]])
        >>> merge_moments([part, part])["n"].tolist()
        [2]
    """
    arrays = list(parts)
    for part in arrays:
        if part.dtype != MOMENT_DTYPE:
            raise InvalidInput(f"moments must be records of MOMENT_DTYPE, found {part.dtype}")
    stacked = np.concatenate(arrays) if arrays else np.empty(0, dtype=MOMENT_DTYPE)
    patterns, places = np.unique(stacked["pattern"], return_inverse=True)
    merged = np.zeros(patterns.size, dtype=MOMENT_DTYPE)
    merged["pattern"] = patterns
    for field in ("n", "sums", "products"):
        np.add.at(merged[field], places, stacked[field])
    return merged


def pairwise(moments: MomentArray) -> Mapping[tuple[str, str], PairMoments]:
    """Return the moments of each pair of traits over the people who have both.

    Formula: with sums of deviations Sx, Sy and of their products Sxy over the n people of all
    patterns that hold both traits, covariance = (Sxy - Sx Sy / n) / (n-1).

    Args:
        moments: ``MOMENT_DTYPE`` records.

    Returns:
        The ten pairs, keyed by trait names, the earlier one of ``TRAITS`` first. Minimum n: 0;
        what cannot be computed is None.

    Raises:
        InvalidInput: The records have another dtype.

    Source:
        R: ``cov(scores, use = "pairwise.complete.obs")``.

    Example:
        >>> nan = float("nan")
        >>> rows = [[60.0, 50.0, 50.0, 50.0, 40.0], [40.0, 60.0, nan, nan, 40.0]]
        >>> pairwise(moments_from_vectors(rows))["openness", "conscientiousness"].covariance
        -100.0
    """
    if moments.dtype != MOMENT_DTYPE:
        raise InvalidInput(f"moments must be records of MOMENT_DTYPE, found {moments.dtype}")
    return {
        (TRAITS[a], TRAITS[b]): _pair_moments(moments, a, b)
        for a, b in combinations(range(len(TRAITS)), 2)
    }


def _block_moments(vectors: npt.NDArray[np.float64]) -> MomentArray:
    return moments_by_group(vectors, np.zeros(len(vectors), dtype=np.int64), 1)[1]


def _deviation_columns(
    vectors: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Return the pattern of each person, the deviations and their products."""
    scored = ~np.isnan(vectors)
    deviations = np.where(scored, vectors - CENTRE_POINTS, 0.0)
    if (np.abs(deviations) > CENTRE_POINTS).any():
        raise InvalidInput("scores must lie between 0 and 100 points: rescale them first")
    codes = (scored << np.arange(len(TRAITS))).sum(axis=1)
    # Whole numbers of steps: their sums are exact in a double, whatever the order.
    sums = np.rint(deviations * _SUM_STEPS) / _SUM_STEPS
    products = deviations[:, _FIRST] * deviations[:, _SECOND]
    return codes, (sums, np.rint(products * _PRODUCT_STEPS) / _PRODUCT_STEPS)


def _pair_moments(moments: MomentArray, a: int, b: int) -> PairMoments:
    both = 1 << a | 1 << b
    rows = moments[moments["pattern"] & both == both]
    n = int(rows["n"].sum())
    if n == 0:
        return PairMoments(0, None, None, None, None, None)
    sum_x, sum_y = (float(rows["sums"][:, trait].sum()) for trait in (a, b))
    mean_x, mean_y = CENTRE_POINTS + sum_x / n, CENTRE_POINTS + sum_y / n
    if n == 1:
        return PairMoments(1, mean_x, mean_y, None, None, None)

    def centred(first: int, second: int, product_of_sums: float) -> float:
        total = float(rows["products"][:, PRODUCT_PAIRS.index((first, second))].sum())
        return (total - product_of_sums / n) / (n - 1)

    return PairMoments(
        sample_size=n,
        mean_x=mean_x,
        mean_y=mean_y,
        variance_x=max(centred(a, a, sum_x * sum_x), 0.0),
        variance_y=max(centred(b, b, sum_y * sum_y), 0.0),
        covariance=centred(a, b, sum_x * sum_y),
    )
