"""Reliability against closed forms of known models, and its refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import (
    ItemMoments,
    feldt_interval,
    measure_moments,
    measure_reliability,
    omega_total,
)

loadings = st.lists(st.floats(0.2, 0.9), min_size=3, max_size=12)


@given(true_loadings=loadings)
def test_omega_finds_the_true_reliability_of_one_factor(true_loadings: list[float]) -> None:
    factor = np.array(true_loadings)
    matrix = np.outer(factor, factor)
    np.fill_diagonal(matrix, 1)
    truth = factor.sum() ** 2 / matrix.sum()
    assert omega_total(matrix) == pytest.approx(truth, abs=1e-6)
    result = measure_reliability(matrix, 500)
    assert result.alpha <= truth + 1e-9  # alpha is a lower bound, met by equal loadings
    assert result.alpha == pytest.approx(result.standardized_alpha)


@given(correlation=st.floats(0.01, 0.9), items=st.integers(2, 20), spread=st.floats(0.1, 10))
def test_parallel_items_follow_spearman_and_brown(
    correlation: float, items: int, spread: float
) -> None:
    covariance = np.full((items, items), correlation * spread)
    np.fill_diagonal(covariance, spread)
    result = measure_reliability(covariance, 200)
    expected = items * correlation / (1 + (items - 1) * correlation)
    assert result.alpha == pytest.approx(expected, rel=1e-9)
    assert result.mean_inter_item_correlation == pytest.approx(correlation, rel=1e-9)
    assert result.alpha_interval.low < result.alpha < result.alpha_interval.high
    rest = correlation * np.sqrt((items - 1) / (1 + (items - 2) * correlation))
    assert result.item_rest_correlations == pytest.approx([rest] * items, rel=1e-9)


def test_two_items_have_alpha_and_a_reason_for_no_omega() -> None:
    result = measure_reliability([[2.0, 1.0], [1.0, 2.0]], 50)
    assert result.alpha == pytest.approx(2 / 3)
    assert result.item_rest_correlations == pytest.approx((0.5, 0.5))
    assert result.omega_total is None
    assert result.omega_reason == "omega needs at least 3 items, this scale has 2"


def test_a_heywood_case_stays_below_one() -> None:
    # r12 r13 / r23 = 1.62: the first loading would be 1.27.
    assert 0 < omega_total([[1, 0.9, 0.9], [0.9, 1, 0.5], [0.9, 0.5, 1]]) < 1


def test_wrong_keys_show_as_a_negative_item_and_a_lower_alpha() -> None:
    random = np.random.default_rng(6)
    trait = random.normal(size=(500, 1))
    answers = np.clip(np.rint(3 + trait + random.normal(size=(500, 4))), 1, 5).astype(np.int8)
    answers[:, 2] = 6 - answers[:, 2]
    moments = ItemMoments.from_matrix(answers, missing=0)
    right = measure_moments(moments.keyed([False, False, True, False], 1, 5))
    wrong = measure_moments(moments)
    assert right.alpha > 0.7 > wrong.alpha
    assert wrong.item_rest_correlations[2] < 0 < right.item_rest_correlations[2]


def test_a_constant_item_is_named() -> None:
    answers = np.array([[1, 3, 2], [4, 3, 4], [2, 3, 1]], dtype=np.int8)
    with pytest.raises(NotEnoughData, match="item 2"):
        measure_moments(ItemMoments.from_matrix(answers, missing=0))
    with pytest.raises(NotEnoughData, match="item 2 has the same answer from everyone"):
        measure_reliability([[1.0, 0.0], [0.0, 0.0]], 10)


def test_items_that_cancel_each_other_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="check the keys"):
        measure_reliability([[1.0, -1.0], [-1.0, 1.0]], 10)


@pytest.mark.parametrize(
    "matrix", [[[1.0]], [[1.0, 0.5]], [[1.0, 0.5], [0.4, 1.0]], [[1.0, np.nan], [np.nan, 1.0]]]
)
def test_what_is_no_covariance_matrix_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(InvalidInput):
        measure_reliability(matrix, 10)


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="at least 2 people"):
        feldt_interval(0.8, 1, 10)
    with pytest.raises(InvalidInput):
        feldt_interval(1.2, 100, 10)
    with pytest.raises(InvalidInput, match="diagonal"):
        omega_total(np.diag([1.0, 2.0, 1.0]))
    with pytest.raises(NotEnoughData, match="at least 3 items"):
        omega_total([[1.0, 0.5], [0.5, 1.0]])
