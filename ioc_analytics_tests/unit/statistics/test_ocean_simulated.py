"""Item functioning and distances on data whose truth is known: few false calls, real ones found."""

import numpy as np
import numpy.typing as npt
import pytest

from ioc_analytics.statistics import (
    GroupSummary,
    adjust_false_discovery,
    analyze_items,
    distance_p_values,
    mahalanobis_squared,
    variance_explained,
)

ITEMS = [f"i{number}" for number in range(10)]


def sheets(
    generator: np.random.Generator, people: int, level: float, shift: float = 0.0
) -> npt.NDArray[np.int64]:
    trait = generator.normal(level, 1.0, size=(people, 1))
    answers = trait + generator.normal(size=(people, len(ITEMS)))
    answers[:, 0] += shift
    return np.clip(np.rint(3 + answers), 1, 5).astype(np.int64)


def test_items_that_work_alike_are_seldom_called() -> None:
    generator = np.random.default_rng(20)
    found = [
        item
        for _ in range(40)
        for item in analyze_items(
            # The groups differ in the trait itself, and must not be called for that.
            sheets(generator, 500, 0.0), sheets(generator, 500, 0.3), ITEMS, missing=0
        )
    ]  # fmt: skip
    tested = [item.p_value for item in found if item.p_value is not None]
    assert 0.02 <= np.mean(np.array(tested) < 0.05) <= 0.09
    assert np.mean([item.item_class == "C" for item in found]) <= 0.005


def test_an_item_that_works_differently_is_found() -> None:
    generator = np.random.default_rng(21)
    classes = [
        [item.item_class for item in analyze_items(
            sheets(generator, 500, 0.0), sheets(generator, 500, 0.0, 0.7), ITEMS, missing=0
        )]
        for _ in range(20)
    ]  # fmt: skip
    assert np.mean([row[0] == "C" for row in classes]) >= 0.9
    assert np.mean([kind == "C" for row in classes for kind in row[1:]]) <= 0.02


def test_distances_call_as_many_normal_vectors_as_they_say() -> None:
    vectors = np.random.default_rng(22).normal(size=(50_000, 5)) @ np.tri(5)
    squared = mahalanobis_squared(vectors, vectors.mean(axis=0), np.cov(vectors.T))
    p = distance_p_values(squared, len(vectors), 5)
    assert 0.047 <= (p < 0.05).mean() <= 0.053
    assert 0.0005 <= (p < 0.001).mean() <= 0.0016


def test_near_vectors_left_out_change_no_far_one() -> None:
    vectors = np.random.default_rng(23).standard_t(8, size=(50_000, 5))
    squared = mahalanobis_squared(vectors, vectors.mean(axis=0), np.cov(vectors.T))
    every, some = (
        adjust_false_discovery(distance_p_values(squared, len(vectors), 5, largest=largest))
        for largest in (1.0, 0.05)
    )
    far = every <= 0.05
    assert 100 < far.sum() < len(vectors) / 20
    np.testing.assert_array_equal(far, some <= 0.05)
    np.testing.assert_array_equal(every[far], some[far])


@pytest.mark.parametrize("people", [100, 15_000, 50_000, 500_000])
def test_the_share_of_variance_has_an_interval_with_any_number_of_people(people: int) -> None:
    for distance in np.linspace(0.0, 0.3, 40).tolist():
        groups = [
            GroupSummary(str(at), people, 50.0 + 15 * distance * at / 5, 15.0) for at in range(6)
        ]
        share = variance_explained(groups)
        assert share.confidence_interval is not None
        # An F far below 1 leaves no share but 0.
        low, high = share.confidence_interval.low, share.confidence_interval.high
        assert 0 <= low <= share.eta_squared <= high or high < 0.01
