"""Signs of careless responding: long strings, flat answers, answers that contradict each other.

For: flags at ingestion and careless rates. Not for: deciding who is careless (the thresholds are
the caller's), the time spent, or unlikely sheets (``outliers.mahalanobis_squared``).

All functions take the answers as they were given, columns in the order in which they were shown,
and work through millions of sheets block by block in a few megabytes.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData

_BLOCK_ROWS: Final = 8_192
"""Rows per block: small enough for the processor's cache with a hundred items."""

FEWEST_PAIRS: Final = 3
"""Fewest pairs that are correlated within a sheet: through two points there is always a line."""

SECONDS_PER_ANSWER: Final = 1.0
"""Below this mean time per answered question, in seconds, nobody can have read them: half of the
two seconds of Huang et al. (2012), doi:10.1007/s10869-011-9231-8."""

CRITICAL_CORRELATION: Final = 0.6
"""Items that correlate above it are synonyms: the default of the R package."""


def longest_run(answers: npt.ArrayLike, missing: int) -> npt.NDArray[np.int16]:
    """Return the longest string of equal answers in a row, per sheet.

    A missing answer ends a string and counts for none; the answers on both sides of it are never
    joined.

    Args:
        answers: Whole numbers, shape ``(n_respondents, n_items)``, in the order shown.
        missing: The code of an answer that was not given.

    Returns:
        Shape ``(n_respondents,)``, 1 to ``n_items``; 0 for a sheet without any answer (where the
        R package says 1).

    Raises:
        InvalidInput: Not a matrix of whole numbers, or more than 32,767 items.

    Source:
        Johnson (2005), doi:10.1016/j.jrp.2004.09.009; R: ``careless::longstring(x)``, missing = NA.

    Example:
        >>> longest_run([[3, 3, 3, 5, 5], [4, 0, 4, 4, 2], [0, 0, 0, 0, 0]], missing=0).tolist()
        [3, 2, 0]
    """
    matrix = _checked(answers)

    def runs(block: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        columns = np.ascontiguousarray(block.T)
        longest = np.zeros(len(block), dtype=np.int16)
        current = np.zeros(len(block), dtype=np.int16)
        for place, column in enumerate(columns):
            if place:
                current *= column == columns[place - 1]
            current += 1
            current *= column != missing
            np.maximum(longest, current, out=longest)
        return longest

    return _by_block(matrix, np.dtype(np.int16), runs)


def individual_sd(answers: npt.ArrayLike, missing: int) -> npt.NDArray[np.float64]:
    """Return the standard deviation (n-1) of each sheet's own answers.

    Low values are flat sheets, high ones may be random; answers are not keyed for it.

    Args:
        answers: Whole numbers, shape ``(n_respondents, n_items)``.
        missing: The code of an answer that was not given; missing answers are left out.

    Returns:
        Shape ``(n_respondents,)``, in units of the scale; NaN, which stands for *missing* here,
        for a sheet with fewer than 2 answers.

    Raises:
        InvalidInput: Not a matrix of whole numbers, or more than 32,767 items.

    Source:
        Dunn et al. (2018), doi:10.1007/s10869-016-9479-0; R: ``careless::irv(x, na.rm = TRUE)``.

    Example:
        >>> individual_sd([[1, 3, 5, 0], [4, 4, 4, 4], [2, 0, 0, 0]], missing=0).tolist()
        [2.0, 0.0, nan]
    """
    matrix = _checked(answers)

    def deviations(block: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        given = block != missing
        n = given.sum(axis=1)
        # Doubles, because whole sums of this size are exact in them and summed fastest.
        values = np.where(given, block, 0).astype(np.float64)
        sums = values.sum(axis=1)
        squares = np.einsum("ij,ij->i", values, values)
        result = np.full(len(block), np.nan)
        enough = n >= 2
        n, sums, squares = n[enough], sums[enough], squares[enough]
        result[enough] = np.sqrt((n * squares - sums**2) / (n * (n - 1)))
        return result

    return _by_block(matrix, np.dtype(np.float64), deviations)


def has_zero_variance(answers: npt.ArrayLike, missing: int) -> npt.NDArray[np.bool_]:
    """Return whether all given answers of a sheet are one and the same.

    Args:
        answers: Whole numbers, shape ``(n_respondents, n_items)``.
        missing: The code of an answer that was not given; missing answers are left out.

    Returns:
        Shape ``(n_respondents,)``; False for a sheet with fewer than 2 answers.

    Raises:
        InvalidInput: Not a matrix of whole numbers, or more than 32,767 items.

    Source:
        Same as ``individual_sd(...) == 0``; R: ``apply(x, 1, sd, na.rm = TRUE) == 0``.

    Example:
        >>> has_zero_variance([[3, 3, 0, 3], [3, 3, 0, 4], [3, 0, 0, 0]], missing=0).tolist()
        [True, False, False]
    """
    matrix = _checked(answers)

    def flat(block: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        given = block != missing
        first = np.take_along_axis(block, given.argmax(axis=1)[:, np.newaxis], axis=1)
        same = ((block == first) | ~given).all(axis=1)
        return np.asarray(same & (given.sum(axis=1) >= 2))

    return _by_block(matrix, np.dtype(np.bool_), flat)


def even_odd_consistency(
    answers: npt.ArrayLike, scales: Sequence[Sequence[int]], missing: int
) -> npt.NDArray[np.float64]:
    """Return how well the two halves of each scale agree within a sheet.

    Each scale is halved into its first, third, ... and second, fourth, ... items; the means of both
    halves are correlated over the scales of one person, and stepped up by Spearman-Brown,
    2 r/(1 + r), at least -1.

    Args:
        answers: Whole numbers, keyed in the direction of the trait, shape ``(n_respondents,
            n_items)``.
        scales: Places of the items of each scale, in the order shown; at least 3 scales.
        missing: The code of an answer that was not given; halves without answers are left out.

    Returns:
        Shape ``(n_respondents,)``, -1 to 1, high for consistent sheets; NaN, which stands for
        *missing* here, with fewer than 3 complete scales or halves that do not vary.

    Raises:
        InvalidInput: Not a matrix of whole numbers, fewer than 3 scales, or one of a single item.

    Source:
        Johnson (2005), doi:10.1016/j.jrp.2004.09.009; R: ``-careless::evenodd(x, factors)`` (from
        1.2.0 on the package gives the negative), which also correlates 2 scales, always to 1 or -1.

    Example:
        >>> sheet = [[1, 1, 3, 3, 5, 4], [1, 5, 3, 1, 5, 3]]
        >>> even_odd_consistency(sheet, [[0, 1], [2, 3], [4, 5]], missing=0).round(4).tolist()
        [0.9909, -1.0]
    """
    matrix = _checked(answers)
    if len(scales) < FEWEST_PAIRS or any(len(scale) < 2 for scale in scales):
        raise InvalidInput(
            f"even-odd consistency needs at least {FEWEST_PAIRS} scales of 2 items or more, found "
            f"{[len(scale) for scale in scales]}"
        )

    def consistency(block: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        values = np.where(block != missing, block, np.nan)
        halves = [
            np.column_stack([_row_means(values[:, list(scale[start::2])]) for scale in scales])
            for start in (0, 1)
        ]
        r = _row_correlations(halves[0], halves[1])
        with np.errstate(divide="ignore"):
            return np.asarray(np.maximum(2 * r / (1 + r), -1.0))

    return _by_block(matrix, np.dtype(np.float64), consistency)


def synonym_consistency(
    answers: npt.ArrayLike,
    correlations: npt.NDArray[np.float64],
    missing: int,
    critical: float = CRITICAL_CORRELATION,
) -> npt.NDArray[np.float64]:
    """Return how alike each sheet answers pairs of items that people in general answer alike.

    Args:
        answers: Whole numbers, shape ``(n_respondents, n_items)``.
        correlations: Of the items over all sheets (``ItemMoments.correlation``), shape
            ``(n_items, n_items)``.
        missing: The code of an answer that was not given; its pairs are left out.
        critical: Items that correlate above it are synonyms.

    Returns:
        Correlation over the pairs within each sheet, -1 to 1; NaN, which stands for *missing*
        here, with fewer than 3 complete pairs or one side that does not vary.

    Raises:
        InvalidInput: Not a matrix of whole numbers, or the shapes do not fit.
        NotEnoughData: Fewer than 3 pairs of items are synonyms.

    Source:
        Meade & Craig (2012), doi:10.1037/a0028085;
        R: ``careless::psychsyn(x, critval = .60, resample_na = FALSE)``.

    Example:
        >>> likeness = np.full((4, 4), 0.7)
        >>> sheets = [[1, 2, 4, 5], [3, 3, 3, 3]]
        >>> synonym_consistency(sheets, likeness, missing=0).round(4).tolist()
        [0.4634, nan]
    """
    matrix = _checked(answers)
    if correlations.shape != (matrix.shape[1],) * 2:
        raise InvalidInput(f"correlations {correlations.shape} do not fit {matrix.shape[1]} items")
    # The later item first, as the package does: which of both comes first changes the figure.
    first, second = np.nonzero(np.tril(correlations > critical, -1))
    order = np.lexsort((first, second))
    first, second = first[order], second[order]
    if len(first) < FEWEST_PAIRS:
        raise NotEnoughData(
            f"{len(first)} pairs of items correlate above {critical:g}, at least {FEWEST_PAIRS} "
            "synonyms are needed; lower the critical correlation"
        )

    def likeness(block: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        values = np.where(block != missing, block, np.nan)
        return _row_correlations(values[:, first], values[:, second])

    return _by_block(matrix, np.dtype(np.float64), likeness)


def _row_means(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    given = ~np.isnan(values)
    n = given.sum(axis=1)
    sums = np.where(given, values, 0.0).sum(axis=1)
    return np.asarray(np.where(n > 0, sums / np.maximum(n, 1), np.nan))


def _row_correlations(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return Pearson's r within each row over its complete pairs; NaN where undefined."""
    complete = ~(np.isnan(x) | np.isnan(y))
    centred = []
    for side in (x, y):
        masked = np.where(complete, side, np.nan)
        centred.append(np.where(complete, side - _row_means(masked)[:, np.newaxis], 0.0))
    dx, dy = centred
    spread = np.sqrt((dx * dx).sum(axis=1) * (dy * dy).sum(axis=1))
    is_defined = (complete.sum(axis=1) >= FEWEST_PAIRS) & (spread > 1e-12)
    r = (dx * dy).sum(axis=1) / np.where(is_defined, spread, 1.0)
    return np.asarray(np.where(is_defined, np.clip(r, -1.0, 1.0), np.nan))


def _by_block(
    matrix: npt.NDArray[Any],
    dtype: np.dtype[Any],
    measure: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
) -> npt.NDArray[Any]:
    result = np.empty(len(matrix), dtype=dtype)
    for start in range(0, len(matrix), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        result[rows] = measure(matrix[rows])
    return result


def _checked(answers: npt.ArrayLike) -> npt.NDArray[Any]:
    matrix = np.asarray(answers)
    if matrix.ndim != 2 or matrix.dtype.kind not in "iu" or matrix.shape[1] > 32_767:
        raise InvalidInput(
            "answers must be a matrix of whole numbers with up to 32,767 items, found shape "
            f"{matrix.shape} of {matrix.dtype}"
        )
    return matrix
