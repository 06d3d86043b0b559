"""Figures of clusters: the mean equals clubSandwich's, intervals of rates cover the truth."""

import json
import sys
from itertools import product
from pathlib import Path

import numpy as np
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


def test_intervals_of_rates_cover_the_truth() -> None:
    cells = [coverage(k, icc, 0.3, 150) for k in (10, 30, 100) for icc in (0.0, 0.1)]
    assert 0.93 <= np.mean(cells) <= 0.98


@pytest.mark.nightly
def test_intervals_of_rates_cover_the_truth_over_the_whole_grid() -> None:
    rates = (0.05, 0.3, 0.8)
    cells = []
    sys.stdout.write(f"\norganizations  icc   {'   '.join(f'p={rate}' for rate in rates)}\n")
    for organizations, icc in product((5, 10, 30, 100), (0.0, 0.02, 0.1)):
        row = [coverage(organizations, icc, rate, 2000) for rate in rates]
        shown = "   ".join(f"{cell:.3f}" for cell in row)
        sys.stdout.write(f"{organizations:13d}  {icc:.2f}  {shown}\n")
        cells += row
    sys.stdout.write(f"mean {np.mean(cells):.3f}\n")
    assert 0.93 <= np.mean(cells) <= 0.97


@pytest.mark.nightly
def test_intervals_of_means_cover_the_truth_over_the_whole_grid() -> None:
    cells = []
    sys.stdout.write("\norganizations  icc   covered\n")
    for organizations, icc in product((5, 10, 30, 100), (0.0, 0.02, 0.1, 0.3)):
        cells.append(mean_coverage(organizations, icc, 4000))
        sys.stdout.write(f"{organizations:13d}  {icc:.2f}  {cells[-1]:.3f}\n")
    sys.stdout.write(f"mean {np.mean(cells):.3f}\n")
    assert 0.93 <= np.mean(cells) <= 0.97


def width(found: ClusteredRate) -> float:
    """Return the width of an interval."""
    return found.confidence_interval.high - found.confidence_interval.low


def coverage(organizations: int, icc: float, rate: float, rounds: int) -> float:
    """Return how often the interval holds the truth; organizations differ as a beta does."""
    generator = np.random.default_rng(organizations * 1000 + int(1000 * icc) + int(100 * rate))
    hits = 0
    for _ in range(rounds):
        people = np.exp(generator.normal(3.4, 0.7, organizations)).round().astype(int) + 1
        own = np.full(organizations, rate)
        if icc:
            scatter = 1 / icc - 1
            own = generator.beta(rate * scatter, (1 - rate) * scatter, organizations)
        interval = clustered_rate(people, generator.binomial(people, own)).confidence_interval
        hits += interval.low <= rate <= interval.high
    return hits / rounds


def mean_coverage(organizations: int, icc: float, rounds: int) -> float:
    """Return how often the interval of a mean holds the truth; people differ by 1 SD in all."""
    generator = np.random.default_rng(organizations * 1000 + int(1000 * icc))
    hits = 0
    for _ in range(rounds):
        people = np.exp(generator.normal(3.4, 0.7, organizations)).round().astype(int) + 1
        own = generator.normal(0, icc**0.5, organizations)
        sums = people * own + generator.normal(0, (people * (1 - icc)) ** 0.5)
        interval = clustered_mean(people, sums).confidence_interval
        hits += interval.low <= 0 <= interval.high
    return hits / rounds
