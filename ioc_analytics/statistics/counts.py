"""Counts per distinct value: the lossless, mergeable state of one score.

For: everything that is computed from counts (``distributions``, quantile intervals) and for states
that keep them. Not for: how counts are packed into a row (``states``).

Values are float64, finite, distinct and ascending; counts are int64, 0 or more, of the same length.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LARGEST: Final = 1e100
"""Beyond this, sums of squares leave the range of a double and figures would turn into infinity."""


def count_distinct(sample: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    """Return the distinct values of a sample, ascending, and how often each occurs.

    Args:
        sample: Numbers of any shape; NaN is missing and left out.

    Returns:
        Values (float64) and counts (int64), both of shape ``(n_distinct,)``.

    Raises:
        InvalidInput: A value is infinite, or beyond 1e100 in size.

    Example:
        >>> count_distinct([2.5, 5.0, float("nan"), 2.5])
        (array([2.5, 5. ]), array([2, 1]))
    """
    numbers = np.asarray(sample, dtype=np.float64).ravel()
    numbers = numbers[~np.isnan(numbers)]
    if (np.abs(numbers) > _LARGEST).any():
        raise InvalidInput(
            f"a sample holds an infinite value, or one beyond {_LARGEST:g} in size: leave it out"
        )
    values, counts = np.unique(numbers, return_counts=True)
    return values + 0.0, counts.astype(np.int64)  # + 0.0 turns -0.0 into 0.0


def merge_counts(
    parts: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]],
) -> tuple[FloatArray, IntArray]:
    """Return the counts of all parts together; the order of the parts does not matter.

    Args:
        parts: Pairs of values (ascending, distinct) and counts, as ``count_distinct`` makes them.

    Returns:
        Values (float64) and counts (int64), both of shape ``(n_distinct,)``.

    Raises:
        InvalidInput: A part is not a pair of values and counts.

    Example:
        >>> merge_counts([([1.0, 2.0], [3, 1]), ([2.0, 4.0], [5, 1])])
        (array([1., 2., 4.]), array([3, 6, 1]))
    """
    checked = [checked_counts(values, counts) for values, counts in parts]
    if not checked:
        return np.empty(0), np.empty(0, dtype=np.int64)
    values, places = np.unique(
        np.concatenate([values for values, _ in checked]), return_inverse=True
    )
    counts = np.zeros(values.size, dtype=np.int64)
    np.add.at(counts, places, np.concatenate([counts for _, counts in checked]))
    return values, counts


def checked_counts(values: npt.ArrayLike, counts: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    """Return values and counts as arrays, or refuse them.

    Raises:
        InvalidInput: Lengths differ, values do not ascend, or a count is negative or not whole.

    Example:
        >>> checked_counts([1, 2], [0, 3])
        (array([1., 2.]), array([0, 3]))
    """
    points = np.asarray(values, dtype=np.float64)
    weights = np.asarray(counts)
    if weights.size and weights.dtype.kind not in "iu":
        raise InvalidInput(f"counts must be whole numbers, found {weights.dtype}")
    weights = weights.astype(np.int64)
    if points.ndim != 1 or points.shape != weights.shape:
        raise InvalidInput(
            f"values and counts must be of one length, found {points.shape} and {weights.shape}"
        )
    if not (np.abs(points) <= _LARGEST).all() or (np.diff(points) <= 0).any():
        raise InvalidInput("values must be finite, distinct and ascending: use count_distinct")
    if (weights < 0).any():
        raise InvalidInput(f"counts must be 0 or more, found {weights.min()}")
    return points, weights


def observed_counts(values: npt.ArrayLike, counts: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    """Return the values that occur at least once, and their counts.

    Raises:
        InvalidInput: Values and counts are impossible (``checked_counts``).
        NotEnoughData: No value occurs.

    Example:
        >>> observed_counts([1, 2], [0, 3])
        (array([2.]), array([3]))
    """
    points, weights = checked_counts(values, counts)
    points, weights = points[weights > 0], weights[weights > 0]
    if not points.size:
        raise NotEnoughData("a distribution needs at least 1 observation, found none")
    return points, weights
