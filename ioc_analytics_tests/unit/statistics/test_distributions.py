"""Distributions from counts: equal to the raw sample, to numpy, and honest about small n."""

import dataclasses
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import (
    count_bins,
    count_distinct,
    describe_counts,
    describe_sample,
    merge_counts,
    percentiles,
)
from ioc_analytics_tests.unit.statistics.samples import scores

Floats = npt.NDArray[np.float64]


@given(sample=scores())
def test_counts_and_raw_sample_give_the_very_same_figures(sample: Floats) -> None:
    values, counts = np.unique(sample, return_counts=True)
    assert describe_counts(values, counts) == describe_sample(sample)


@given(sample=scores(), cut=st.integers(0, 60), random=st.randoms(use_true_random=False))
def test_any_split_and_any_order_give_the_same_distribution(
    sample: Floats, cut: int, random: Random
) -> None:
    shuffled = list(sample)
    random.shuffle(shuffled)
    parts = [count_distinct(shuffled[cut:]), count_distinct(shuffled[:cut])]
    assert describe_counts(*merge_counts(parts)) == describe_sample(sample)


@given(sample=scores(minimum=2), percentages=st.lists(st.floats(0, 100), max_size=9))
def test_percentiles_equal_numpy_linear(sample: Floats, percentages: list[float]) -> None:
    # Not in the last bit: numpy counts down from the upper neighbour for fractions from 0.5 on.
    # PERCENTILE_CONT does not, and neither do we.
    ours = percentiles(*count_distinct(sample), percentages)
    numpys = np.quantile(sample, np.array(percentages) / 100, method="linear")
    assert ours == pytest.approx(numpys.tolist(), rel=1e-13, abs=1e-11)


def test_percentiles_interpolate_in_the_servers_order_of_operations() -> None:
    # float8_lerp in PostgreSQL's orderedsetaggs.c: low + fraction * (high - low), nothing else.
    low, high = 100 / 3, 175 / 3
    height = 0.9 * 2.0
    (ours,) = percentiles([25 / 3, low, high], [1, 1, 1], [90])
    assert ours == low + (height - 1.0) * (high - low)


@given(sample=scores(minimum=2))
def test_moments_equal_their_definitions(sample: Floats) -> None:
    result = describe_sample(sample)
    deviations = sample - sample.mean()
    assert result.sample_size == sample.size
    assert result.average == pytest.approx(sample.mean(), rel=1e-12, abs=1e-12)
    assert result.std_dev == pytest.approx(sample.std(ddof=1), rel=1e-9, abs=1e-11)
    assert (result.minimum, result.maximum) == (sample.min(), sample.max())
    assert result.minimum <= result.average <= result.maximum
    assert result.histogram is not None
    assert sum(result.histogram.counts) == sample.size
    distances = np.abs(sample - np.median(sample))
    assert result.median_absolute_deviation == pytest.approx(np.median(distances), abs=1e-11)
    if result.skewness is not None and result.kurtosis is not None:
        spread = sample.std(ddof=1)
        assert result.skewness == pytest.approx((deviations**3).mean() / spread**3, abs=1e-7)
        assert result.kurtosis == pytest.approx((deviations**4).mean() / spread**4 - 3, abs=1e-7)


def test_one_person_has_a_mean_and_no_spread() -> None:
    result = describe_sample([62.5])
    assert (result.average, result.median, result.percentiles[5]) == (62.5, 62.5, 62.5)
    assert result.std_dev is None
    assert result.standard_error is None
    assert result.confidence_interval is None
    assert result.skewness is None


def test_equal_scores_have_no_shape() -> None:
    result = describe_sample([33.3] * 7)
    assert (result.average, result.std_dev, result.skewness, result.kurtosis) == (
        33.3,
        0,
        None,
        None,
    )
    assert result.confidence_interval is not None
    assert (result.confidence_interval.low, result.confidence_interval.high) == (33.3, 33.3)


def test_histogram_bins_hold_their_low_limit_and_the_last_one_both() -> None:
    counts = count_bins([0.0, 4.99, 5.0, 95.0, 100.0], [1, 1, 1, 1, 1]).counts
    assert (counts[0], counts[1], counts[19], len(counts)) == (2, 1, 2, 20)


def test_missing_scores_are_left_out() -> None:
    assert describe_sample([10.0, np.nan, 20.0]) == describe_sample([20.0, 10.0])


def test_counts_of_zero_are_nobody() -> None:
    assert describe_counts([0.0, 50.0, 100.0], [0, 3, 0]).minimum == 50


def test_a_distribution_becomes_plain_data() -> None:
    plain = dataclasses.asdict(describe_sample([10.0, 20.0]))
    assert plain["percentiles"][50] == 15
    assert plain["confidence_interval"]["method"] == "student_t"


@pytest.mark.parametrize("sample", [[], [np.nan], [np.nan, np.nan]])
def test_nobody_is_refused(sample: list[float]) -> None:
    with pytest.raises(NotEnoughData, match="at least 1"):
        describe_sample(sample)


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ([2.0, 1.0], [1, 1]),
        ([1.0, 1.0], [1, 1]),
        ([1.0], [1, 2]),
        ([1.0], [-1]),
        ([1.0], [1.5]),
        ([np.nan], [1]),
        ([np.inf], [1]),
        ([-1.0], [1]),
        ([101.0], [1]),
    ],
)
def test_impossible_counts_are_refused(values: list[float], counts: list[int]) -> None:
    with pytest.raises(InvalidInput):
        describe_counts(values, counts)


def test_other_units_go_without_bins_or_with_their_own() -> None:
    assert describe_sample([1200.0, 1500.0], edges=None).histogram is None
    binned = describe_sample([1200.0, 1500.0], edges=[0, 1400, 2000]).histogram
    assert binned is not None
    assert binned.counts == (1, 1)


@pytest.mark.parametrize("percentage", [-1, 101, np.nan])
def test_percentages_outside_0_to_100_are_refused(percentage: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 100"):
        percentiles([1.0], [1], [percentage])
