"""Co-moments of traits merge exactly, whatever the split, the order and the gaps."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics import (
    MOMENT_DTYPE,
    correlate,
    correlate_traits,
    merge_moments,
    moments_from_vectors,
    pairwise,
)
from ioc_analytics_tests.unit.statistics.samples import grid_names, instrument_names, vectors

Floats = npt.NDArray[np.float64]


@given(people=vectors(grid_names), parts=st.integers(1, 5), seed=st.integers(0, 2**32))
def test_any_split_in_any_order_gives_the_same_bytes(people: Floats, parts: int, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(people)
    pieces = [moments_from_vectors(piece) for piece in np.array_split(shuffled, parts)]
    assert merge_moments(pieces[::-1]).tobytes() == moments_from_vectors(people).tobytes()


def test_a_million_people_in_any_split_give_the_same_bytes() -> None:
    random = np.random.default_rng(1)
    people = random.integers(0, 13, (1_000_000, 5)) * 100 / 12  # the TIPI's grid is not binary
    people[random.random(people.shape) < 0.05] = np.nan
    pieces = [moments_from_vectors(piece) for piece in np.array_split(people, 365)]
    assert merge_moments(pieces[::-1]).tobytes() == moments_from_vectors(people).tobytes()


@given(people=vectors(grid_names))
def test_pairs_equal_numpy_over_the_people_who_have_both(people: Floats) -> None:
    for (a, b), pair in pairwise(moments_from_vectors(people)).items():
        x, y = people[:, TRAITS.index(a)], people[:, TRAITS.index(b)]
        both = ~(np.isnan(x) | np.isnan(y))
        assert pair.sample_size == both.sum()
        if pair.sample_size == 0:
            assert pair.mean_x is None
            continue
        assert pair.mean_x == pytest.approx(x[both].mean(), abs=1e-7)
        assert pair.mean_y == pytest.approx(y[both].mean(), abs=1e-7)
        if pair.sample_size == 1:
            assert pair.covariance is None
            continue
        expected = np.cov(x[both], y[both])
        assert pair.variance_x == pytest.approx(expected[0, 0], abs=4e-6)
        assert pair.variance_y == pytest.approx(expected[1, 1], abs=4e-6)
        assert pair.covariance == pytest.approx(expected[0, 1], abs=4e-6)


@given(people=vectors(st.just("ipip50")))
def test_scores_on_a_binary_grid_lose_nothing(people: Floats) -> None:
    moments = moments_from_vectors(people)
    deviations = np.nan_to_num(people, nan=50.0) - 50
    assert moments["sums"].sum(axis=0).tolist() == deviations.sum(axis=0).tolist()
    assert moments["products"][:, 0].sum() == (deviations[:, 0] ** 2).sum()


@given(people=vectors(instrument_names))
def test_correlations_from_moments_and_from_arrays_agree(people: Floats) -> None:
    matrix = correlate_traits(moments_from_vectors(people))
    for a, row in matrix.items():
        assert set(row) == set(TRAITS) - {a}
        for b, from_moments in row.items():
            direct = correlate(people[:, TRAITS.index(a)], people[:, TRAITS.index(b)])
            assert matrix[b][a] == from_moments
            assert from_moments.sample_size == direct.sample_size
            assert (from_moments.r is None) == (direct.r is None)
            if direct.r is not None:
                assert from_moments.r == pytest.approx(direct.r, abs=1e-5)


def test_a_realistic_group_agrees_to_one_in_ten_million() -> None:
    random = np.random.default_rng(3)
    common = random.normal(size=(5_000, 1))
    people = np.clip(np.rint(6 + 2 * common + 2 * random.normal(size=(5_000, 5))), 0, 12) * 100 / 12
    matrix = correlate_traits(moments_from_vectors(people))
    for a, first in enumerate(TRAITS):
        for b, second in enumerate(TRAITS):
            if a != b:
                direct = correlate(people[:, a], people[:, b]).r
                assert matrix[first][second].r == pytest.approx(direct, rel=1e-7)


def test_people_without_any_score_leave_no_record() -> None:
    moments = moments_from_vectors(np.full((3, 5), np.nan))
    assert moments.size == 0
    assert correlate_traits(moments)["openness"]["neuroticism"].sample_size == 0


def test_nothing_merged_is_nothing() -> None:
    assert merge_moments([]).dtype == MOMENT_DTYPE
    assert merge_moments([]).size == 0


@pytest.mark.parametrize(
    "people", [np.zeros(5), np.zeros((2, 4)), np.full((1, 5), 100.5), np.full((1, 5), np.inf)]
)
def test_what_is_no_score_vector_is_refused(people: Floats) -> None:
    with pytest.raises(InvalidInput):
        moments_from_vectors(people)


def test_other_records_are_refused() -> None:
    other: npt.NDArray[Any] = np.zeros(1, dtype=[("pattern", "u1")])
    with pytest.raises(InvalidInput, match="MOMENT_DTYPE"):
        merge_moments([other])
    with pytest.raises(InvalidInput, match="MOMENT_DTYPE"):
        pairwise(other)
