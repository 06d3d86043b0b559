"""Item moments merge and key exactly, survive packing, and give R's pairwise covariances."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput, NotEnoughData
from ioc_analytics.statistics import ItemMoments
from ioc_analytics_tests.unit.statistics.samples import MISSING, answers

Answers = npt.NDArray[Any]
KEYS = [False, True, True, False]


@given(matrix=answers(), parts=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_any_split_in_any_order_is_the_whole(matrix: Answers, parts: int, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(matrix)
    pieces = [
        ItemMoments.from_matrix(piece, missing=MISSING) for piece in np.array_split(shuffled, parts)
    ]
    assert ItemMoments.merge(pieces[::-1]) == ItemMoments.from_matrix(matrix, missing=MISSING)


@given(matrix=answers())
def test_keying_the_moments_is_keying_the_answers(matrix: Answers) -> None:
    keyed_answers = np.where(KEYS & (matrix != MISSING), 6 - matrix, matrix)
    keyed_moments = ItemMoments.from_matrix(matrix, missing=MISSING).keyed(KEYS, 1, 5)
    assert keyed_moments == ItemMoments.from_matrix(keyed_answers, missing=MISSING)


@given(matrix=answers(), times=st.sampled_from([1, 100, 10**6, 10**12]))
def test_packing_keeps_everything(matrix: Answers, times: int) -> None:
    one = ItemMoments.from_matrix(matrix, missing=MISSING)
    many = ItemMoments(
        one.sample_size * times,
        one.answered * times,
        one.sums * times,
        one.squares * times,
        one.products * times,
    )
    assert ItemMoments.unpack(many.pack()) == many


def test_a_block_of_ten_items_packs_into_a_kilobyte() -> None:
    random = np.random.default_rng(5)
    matrix = random.integers(0, 6, (10_000, 10), dtype=np.int8)
    assert len(ItemMoments.from_matrix(matrix, missing=MISSING).pack()) < 1_000


@given(matrix=answers())
def test_covariances_are_those_of_the_people_who_answered_both(matrix: Answers) -> None:
    moments = ItemMoments.from_matrix(matrix, missing=MISSING)
    both = (matrix != MISSING).astype(int).T @ (matrix != MISSING).astype(int)
    if both.min() < 2:
        with pytest.raises(NotEnoughData, match="at least 2 people"):
            moments.covariance()
        return
    covariance = moments.covariance()
    for i in range(4):
        for j in range(4):
            rows = (matrix[:, i] != MISSING) & (matrix[:, j] != MISSING)
            expected = np.cov(matrix[rows, i].astype(float), matrix[rows, j].astype(float))
            assert covariance[i, j] == pytest.approx(expected[0, 1], abs=1e-12)


@given(matrix=answers())
def test_correlations_are_pairwise_or_refused(matrix: Answers) -> None:
    moments = ItemMoments.from_matrix(matrix, missing=MISSING)
    try:
        correlation = moments.correlation()
    except NotEnoughData:
        return
    for i in range(4):
        for j in range(i):
            rows = (matrix[:, i] != MISSING) & (matrix[:, j] != MISSING)
            expected = np.corrcoef(matrix[rows, i].astype(float), matrix[rows, j].astype(float))
            assert correlation[i, j] == correlation[j, i]
            assert correlation[i, j] == pytest.approx(expected[0, 1], abs=1e-12)
    assert np.diag(correlation).tolist() == [1, 1, 1, 1]


def test_an_item_without_variation_is_named() -> None:
    matrix = np.array([[1, 3], [4, 3], [2, 3]], dtype=np.int8)
    with pytest.raises(NotEnoughData, match="item 2 has one answer only"):
        ItemMoments.from_matrix(matrix[:, ::1], missing=MISSING).correlation()


def test_damaged_bytes_are_an_integrity_failure() -> None:
    packed = ItemMoments.from_matrix([[1, 2], [3, 4]], missing=MISSING).pack()
    for damaged in (b"", packed[:-3], b"XX" + packed[2:], packed[:5] + b"\x09" + packed[6:]):
        with pytest.raises(IntegrityFailure, match="cannot be unpacked"):
            ItemMoments.unpack(damaged)


def test_what_does_not_belong_together_is_refused() -> None:
    two = ItemMoments.from_matrix([[1, 2]], missing=MISSING)
    three = ItemMoments.from_matrix([[1, 2, 3]], missing=MISSING)
    with pytest.raises(InvalidInput, match="cannot be merged"):
        ItemMoments.merge([two, three])
    with pytest.raises(InvalidInput, match="cannot be merged"):
        ItemMoments.merge([])
    with pytest.raises(InvalidInput, match="3 keys"):
        two.keyed([True, True, False], 1, 5)
    with pytest.raises(InvalidInput, match="whole numbers"):
        ItemMoments.from_matrix(np.array([[1.5]]), missing=MISSING)
    with pytest.raises(InvalidInput, match="32767"):
        ItemMoments.from_matrix(np.array([[70_000]]), missing=MISSING)
