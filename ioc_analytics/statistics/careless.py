"""Signs of careless responding within one answer sheet: long strings and flat answers.

For: flags at ingestion and careless rates. Not for: deciding who is careless (the thresholds are
the caller's), or signs that need other people's sheets or the time spent.

All functions take the answers as they were given, columns in the order in which they were shown,
and work through millions of sheets block by block in a few megabytes.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput

_BLOCK_ROWS: Final = 8_192
"""Rows per block: small enough for the processor's cache with a hundred items."""


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
