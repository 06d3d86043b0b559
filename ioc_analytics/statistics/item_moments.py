"""Moments of item answers: the mergeable state behind reliability.

For: states that keep one block per instrument, month and trait; ``reliability``, which reads the
covariances. Not for: trait scores (``moments``).

Answers are kept as they were given on the instrument's scale, in whole numbers: merging is exact in
any order. Reverse keying is applied to the moments afterwards, so that a corrected key needs no raw
rows.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput, NotEnoughData

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_BLOCK_ROWS: Final = 65_536
_LARGEST_ANSWER: Final = 32_767
_HEADER: Final = struct.Struct("<2sBBHq")
"""Mark and version, width of the integers in bytes, number of items, number of respondents."""
_MARK: Final = b"IM"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class ItemMoments:
    """Sums over the people who answered both items of a pair, for ``k`` items.

    Raises:
        InvalidInput: The matrices are not square, of one size and int64.
    """

    sample_size: int
    """Number of people who answered at least one of the items."""

    answered: IntArray
    """``[i, j]``: people who answered both i and j; shape ``(k, k)``, symmetric."""

    sums: IntArray
    """``[i, j]``: sum of the answers to i of the people who answered both; shape ``(k, k)``."""

    squares: IntArray
    """``[i, j]``: sum of the squared answers to i, likewise; shape ``(k, k)``."""

    products: IntArray
    """``[i, j]``: sum of answer i times answer j, likewise; shape ``(k, k)``, symmetric."""

    def __post_init__(self) -> None:
        for matrix in self._matrices():
            if matrix.shape != (len(self.answered),) * 2 or matrix.dtype != np.int64:
                raise InvalidInput(
                    f"item moments are square int64 matrices of one size, found {matrix.shape} "
                    f"of {matrix.dtype}"
                )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ItemMoments):
            return NotImplemented
        pairs = zip(self._matrices(), other._matrices(), strict=True)
        return self.sample_size == other.sample_size and all(
            np.array_equal(mine, theirs) for mine, theirs in pairs
        )

    @classmethod
    def from_matrix(cls, answers: npt.ArrayLike, *, missing: int) -> Self:
        """Return the moments of answers.

        Args:
            answers: Whole numbers, shape ``(n_respondents, k)``, as given on the scale.
            missing: The code of an answer that was not given.

        Raises:
            InvalidInput: Not a matrix of whole numbers, or an answer is beyond 32,767 in size.

        Source:
            R: with ``m <- !is.na(x)`` and x0 the answers with 0 for NA, ``crossprod(m)``,
            ``crossprod(x0, m)``, ``crossprod(x0^2, m)`` and ``crossprod(x0)``.

        Example:
            >>> moments = ItemMoments.from_matrix([[1, 2], [3, 0], [5, 4]], missing=0)
            >>> moments.sample_size, moments.answered.tolist(), moments.sums.tolist()
            (3, [[3, 2], [2, 2]], [[9, 6], [6, 6]])
        """
        matrix = np.asarray(answers)
        if matrix.ndim != 2 or matrix.dtype.kind not in "iu":
            raise InvalidInput(
                f"answers must be a matrix of whole numbers, found {matrix.ndim} dimensions "
                f"of {matrix.dtype}"
            )
        total = np.zeros((4, matrix.shape[1], matrix.shape[1]))
        people = 0
        for start in range(0, len(matrix), _BLOCK_ROWS):
            block = matrix[start : start + _BLOCK_ROWS]
            given = block != missing
            is_whole = given.all(axis=1)
            total += _whole_moments(block[is_whole])
            if not is_whole.all():
                total += _pairwise_moments(block[~is_whole], given[~is_whole])
            people += int(given.any(axis=1).sum())
        return cls(people, *total.astype(np.int64))

    @classmethod
    def merge(cls, parts: Iterable[Self]) -> Self:
        """Return the moments of all parts together; the order does not matter.

        Args:
            parts: At least one; all of the same items in the same order.

        Raises:
            InvalidInput: There is no part, or they have different numbers of items.

        Example:
            >>> part = ItemMoments.from_matrix([[1, 2], [3, 0]], missing=0)
            >>> ItemMoments.merge([part, part]).sample_size
            4
        """
        items = list(parts)
        sizes = sorted({len(part.answered) for part in items})
        if len(sizes) != 1:
            raise InvalidInput(f"item moments of {sizes} items cannot be merged: give one size")
        people = sum(part.sample_size for part in items)
        return cls(people, *np.sum([part._matrices() for part in items], axis=0))

    def keyed(self, is_reversed: Sequence[bool], scale_minimum: int, scale_maximum: int) -> Self:
        """Return the moments of the answers in the direction of the trait.

        Formula: with x' = a + s x (a = minimum + maximum and s = -1 for a reversed item, else 0 and
        1), sums a N + s S, squares a² N + 2 a s S + Q, products likewise: no answer is needed.

        Args:
            is_reversed: Per item, whether agreement counts against the trait; length k.
            scale_minimum: The lowest answer.
            scale_maximum: The highest answer.

        Raises:
            InvalidInput: The number of keys is not the number of items.

        Source:
            R: ``psych::reverse.code(keys, x, mini = minimum, maxi = maximum)``.

        Example:
            >>> moments = ItemMoments.from_matrix([[1, 2], [5, 4]], missing=0)
            >>> moments.keyed([False, True], 1, 5).sums.tolist()
            [[6, 6], [6, 6]]
        """
        flags = np.asarray(is_reversed, dtype=bool)
        if flags.shape != (len(self.answered),):
            raise InvalidInput(f"{flags.size} keys were given for {len(self.answered)} items")
        shift = np.where(flags, scale_minimum + scale_maximum, 0).astype(np.int64)[:, np.newaxis]
        sign = np.where(flags, -1, 1).astype(np.int64)[:, np.newaxis]
        crossed = shift * sign.T * self.sums.T
        return type(self)(
            self.sample_size,
            self.answered,
            shift * self.answered + sign * self.sums,
            shift**2 * self.answered + 2 * shift * sign * self.sums + self.squares,
            shift * shift.T * self.answered + crossed + crossed.T + sign * sign.T * self.products,
        )

    def covariance(self) -> FloatArray:
        """Return the covariances of the items, each over the people who answered both.

        Formula: (P - S_i S_j / N) / (N - 1), the means being those of these people.

        Returns:
            Shape ``(k, k)``, in squared scale units.

        Raises:
            NotEnoughData: Fewer than 2 people answered some pair of items.

        Source:
            R: ``cov(x, use = "pairwise.complete.obs")``.

        Example:
            >>> ItemMoments.from_matrix([[1, 2], [3, 0], [5, 4]], missing=0).covariance().tolist()
            [[4.0, 4.0], [4.0, 2.0]]
        """
        n = self._enough_people()
        return np.asarray(self._centred_products() / (n - 1.0))

    def correlation(self) -> FloatArray:
        """Return the correlations of the items, each over the people who answered both.

        Returns:
            Shape ``(k, k)``, 1 on the diagonal.

        Raises:
            NotEnoughData: Fewer than 2 people answered some pair, or an item does not vary in it.

        Source:
            R: ``cor(x, use = "pairwise.complete.obs")``.

        Example:
            >>> ItemMoments.from_matrix([[1, 2], [3, 0], [5, 4]], missing=0).correlation().tolist()
            [[1.0, 1.0], [1.0, 1.0]]
        """
        n = self._enough_people()
        # S * (S / N), not S² / N: for a constant item S / N is whole, and the spread exactly 0.
        spread = self.squares - self.sums * (self.sums / n)
        if (spread == 0).any():
            first, second = (int(place) + 1 for place in np.argwhere(spread == 0)[0])
            raise NotEnoughData(
                f"item {first} has one answer only among those who answered item {second} too: "
                "correlations need items that vary"
            )
        matrix = np.clip(self._centred_products() / np.sqrt(spread * spread.T), -1.0, 1.0)
        np.fill_diagonal(matrix, 1.0)
        return np.asarray(matrix)

    def pack(self) -> bytes:
        """Return the moments as bytes for one database cell.

        Layout: header (mark ``IM``, version, width w, k, respondents), then zlib (level 1) over
        little-endian signed integers of w bytes: upper triangles of ``answered`` and ``products``
        with their diagonals, then ``sums`` and ``squares`` in full, row by row.

        Example:
            >>> moments = ItemMoments.from_matrix([[1, 2], [3, 0]], missing=0)
            >>> ItemMoments.unpack(moments.pack()) == moments
            True
        """
        upper = _upper(len(self.answered))
        content = np.concatenate(
            [self.answered[upper], self.products[upper], self.sums.ravel(), self.squares.ravel()]
        )
        largest = int(np.abs(content).max(initial=0))
        width = next(w for w in (1, 2, 4, 8) if largest < 1 << (8 * w - 1))
        header = _HEADER.pack(_MARK, _VERSION, width, len(self.answered), self.sample_size)
        return header + zlib.compress(content.astype(f"<i{width}").tobytes(), 1)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Return the moments that ``pack`` turned into these bytes.

        Raises:
            IntegrityFailure: The bytes are no packed moments, or are damaged.
        """
        try:
            mark, version, width, k, people = _HEADER.unpack_from(packed)
            content = np.frombuffer(zlib.decompress(packed[_HEADER.size :]), dtype=f"<i{width}")
        except (struct.error, zlib.error, TypeError, ValueError) as error:
            raise IntegrityFailure(f"item moments cannot be unpacked: {error}") from error
        triangle = k * (k + 1) // 2
        if (mark, version) != (_MARK, _VERSION) or content.size != 2 * (triangle + k * k):
            raise IntegrityFailure(
                f"item moments cannot be unpacked: mark {mark!r}, version {version}, {k} items and "
                f"{content.size} integers do not belong together"
            )
        answered, products, sums, squares = np.split(
            content.astype(np.int64), [triangle, 2 * triangle, 2 * triangle + k * k]
        )
        return cls(
            people,
            _symmetric(answered, k),
            sums.reshape(k, k),
            squares.reshape(k, k),
            _symmetric(products, k),
        )

    def _matrices(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        return self.answered, self.sums, self.squares, self.products

    def _centred_products(self) -> FloatArray:
        centred = self.products - self.sums * (self.sums.T / self.answered)
        return np.asarray((centred + centred.T) / 2)

    def _enough_people(self) -> IntArray:
        fewest = int(self.answered.min(initial=self.sample_size))
        if fewest < 2:
            raise NotEnoughData(
                f"covariances of items need at least 2 people who answered both, found {fewest}"
            )
        return self.answered


@lru_cache(maxsize=64)
def _upper(k: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(k)


def _symmetric(triangle: npt.NDArray[Any], k: int) -> IntArray:
    matrix = np.zeros((k, k), dtype=np.int64)
    rows, columns = _upper(k)
    matrix[rows, columns] = matrix[columns, rows] = triangle
    return matrix


def _whole_moments(answers: IntArray) -> FloatArray:
    """Return the four sums of people who answered everything: one product says them all."""
    values = _doubles(answers)
    products = values.T @ values
    shape = products.shape
    return np.stack(
        [
            np.full(shape, float(len(values))),
            np.broadcast_to(values.sum(axis=0)[:, np.newaxis], shape),
            np.broadcast_to(np.diagonal(products)[:, np.newaxis], shape),
            products,
        ]
    )


def _pairwise_moments(answers: IntArray, given: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the four sums of people who left something out."""
    values = _doubles(np.where(given, answers, 0))
    there = given.astype(np.float64)
    return np.stack([there.T @ there, values.T @ there, values.T**2 @ there, values.T @ values])


def _doubles(answers: IntArray) -> FloatArray:
    # Doubles because BLAS multiplies them; every sum is whole and below 2^53, so exact.
    values = answers.astype(np.float64)
    if max(values.max(initial=0), -values.min(initial=0)) > _LARGEST_ANSWER:
        raise InvalidInput(f"an answer is beyond {_LARGEST_ANSWER} in size")
    return values
