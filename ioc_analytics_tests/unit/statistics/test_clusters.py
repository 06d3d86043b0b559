"""Figures of clusters: the mean equals clubSandwich's, rates widen as organizations differ."""

import json
from pathlib import Path

import pytest

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import (
    ClusteredRate,
    clustered_mean,
    clustered_rate,
    design_effect,
    wilson_interval,
)

REFERENCE = json.loads((Path(__file__).parent / "reference/clusters.json").read_text("utf-8"))


def test_the_mean_equals_clubsandwich() -> None:
    found = clustered_mean(REFERENCE["sizes"], REFERENCE["sums"])
    ours = {
        "mean": found.mean,
        "standard_error": found.standard_error,
        "degrees_of_freedom": found.degrees_of_freedom,
        "low": found.confidence_interval.low,
        "high": found.confidence_interval.high,
    }
    for name, value in ours.items():
        assert value == pytest.approx(REFERENCE[name], rel=1e-6), name


def test_one_organization_and_impossible_figures_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="at least 2 clusters, found 1"):
        clustered_mean([5, 0], [10.0, 0.0])
    for sizes, sums in (([1, 2], [1.0]), ([1, -2], [1.0, 2.0]), ([1, 2], [1.0, float("nan")])):
        with pytest.raises(InvalidInput):
            clustered_mean(sizes, sums)


def test_organizations_that_differ_widen_the_interval_of_a_rate() -> None:
    equal = clustered_rate([50] * 20, [25] * 20)
    assert equal.design_effect == 1.0
    assert equal.effective_sample_size == equal.sample_size == 1000
    apart = clustered_rate([50] * 20, [10] * 10 + [40] * 10)
    assert apart.rate == equal.rate
    assert apart.design_effect > 15
    assert width(apart) > 3 * width(equal)


def test_a_rate_of_all_or_nothing_is_not_taken_as_certain() -> None:
    none, everyone = clustered_rate([50] * 6, [0] * 6), clustered_rate([50] * 6, [50] * 6)
    assert none.confidence_interval.low == 0.0
    assert everyone.confidence_interval.high == 1.0
    assert none.confidence_interval.high == pytest.approx(1 - everyone.confidence_interval.low)
    assert none.confidence_interval.method == "wilson_effective_n_assumed_icc"
    # Kish: 1 + (50 - 1) * 0.05
    assert none.design_effect == pytest.approx(3.45)
    assert none.confidence_interval.high > wilson_interval(0, 300).high


def test_impossible_counts_of_a_rate_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="at least 2 clusters"):
        clustered_rate([9], [3])
    for hits in ([-1, 2], [6, 2]):
        with pytest.raises(InvalidInput, match="between 0 and the size"):
            clustered_rate([5, 5], hits)
    with pytest.raises(InvalidInput):
        clustered_rate([5, 5], [1])


def test_nothing_that_varies_has_no_design_effect() -> None:
    assert design_effect(0.0, 0.0, 10) is None


def width(found: ClusteredRate) -> float:
    """Return the width of an interval."""
    return found.confidence_interval.high - found.confidence_interval.low
