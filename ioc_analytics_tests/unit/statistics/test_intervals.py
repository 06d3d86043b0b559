"""Intervals hold their level where that can be computed, and refuse what they cannot carry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import (
    clopper_pearson_interval,
    count_distinct,
    mean_interval,
    quantile_interval,
    wilson_interval,
)


@given(sample_size=st.integers(1, 60), share=st.floats(0.001, 0.999))
def test_exact_interval_of_a_rate_never_covers_less_than_its_level(
    sample_size: int, share: float
) -> None:
    intervals = [clopper_pearson_interval(x, sample_size) for x in range(sample_size + 1)]
    covering = [x for x, i in enumerate(intervals) if i.low <= share <= i.high]
    assert np.sum(stats.binom.pmf(covering, sample_size, share)) >= 0.95 - 1e-9


@given(sample_size=st.integers(1, 500), data=st.data(), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_intervals_of_a_rate_hold_the_rate_and_stay_within_0_and_1(
    sample_size: int, data: st.DataObject, level: float
) -> None:
    successes = data.draw(st.integers(0, sample_size))
    wilson = wilson_interval(successes, sample_size, level)
    exact = clopper_pearson_interval(successes, sample_size, level)
    for interval in (wilson, exact):
        assert 0 <= interval.low <= successes / sample_size <= interval.high <= 1
        assert interval.low < interval.high


@given(
    sample_size=st.integers(1, 200),
    probability=st.sampled_from([0.1, 0.25, 0.5, 0.9]),
    level=st.sampled_from([0.5, 0.9, 0.95]),
)
def test_order_statistics_cover_at_least_their_level(
    sample_size: int, probability: float, level: float
) -> None:
    ranks = np.arange(1, sample_size + 1, dtype=np.float64)
    try:
        interval = quantile_interval(ranks, np.ones(sample_size, dtype=int), probability, level)
    except NotEnoughData:
        # An end is missing only when the whole sample leaves more than half the error on a side.
        tails = stats.binom.pmf([0, sample_size], sample_size, probability)
        assert np.max(tails) > (1 - level) / 2 - 1e-12
        return
    below, above = interval.low - 1, interval.high - 1
    coverage = stats.binom.cdf(above, sample_size, probability) - stats.binom.cdf(
        below, sample_size, probability
    )
    assert coverage >= level - 1e-9


@given(
    sample_size=st.integers(20, 3_000_000),
    probability=st.floats(0.3, 0.7),
    level=st.floats(0.5, 0.99),
)
def test_order_statistics_take_the_ranks_of_the_binomial(
    sample_size: int, probability: float, level: float
) -> None:
    # One person each holds the values 1 and 3, exactly at the ranks that R's qbinom names.
    low_rank = int(stats.binom.ppf((1 - level) / 2, sample_size, probability))
    high_rank = int(stats.binom.ppf((1 + level) / 2, sample_size, probability)) + 1
    counts = [low_rank - 1, 1, high_rank - low_rank - 1, 1, sample_size - high_rank]
    if min(counts) < 0 or low_rank < 1:
        return
    interval = quantile_interval([0, 1, 2, 3, 4], counts, probability, level)
    assert (interval.low, interval.high) == (1, 3)


@pytest.mark.parametrize(("sample_size", "is_enough"), [(5, False), (6, True)])
def test_a_median_interval_needs_six_people(sample_size: int, is_enough: bool) -> None:
    values, counts = count_distinct(np.arange(sample_size))
    if is_enough:
        interval = quantile_interval(values, counts, 0.5)
        assert (interval.low, interval.high, interval.method) == (0, 5, "order_statistics")
    else:
        with pytest.raises(NotEnoughData, match="5 observations"):
            quantile_interval(values, counts, 0.5)


def test_too_little_data_is_refused() -> None:
    for interval in (wilson_interval, clopper_pearson_interval):
        with pytest.raises(NotEnoughData):
            interval(0, 0)
    with pytest.raises(NotEnoughData, match="at least 2"):
        mean_interval(50, 1, 1)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, float("nan")])
def test_impossible_levels_are_refused(level: float) -> None:
    with pytest.raises(InvalidInput, match="level"):
        wilson_interval(1, 2, level)


@pytest.mark.parametrize(("successes", "sample_size"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_rates_are_refused(successes: int, sample_size: int) -> None:
    for interval in (wilson_interval, clopper_pearson_interval):
        with pytest.raises(InvalidInput):
            interval(successes, sample_size)


def test_impossible_means_and_quantiles_are_refused() -> None:
    with pytest.raises(InvalidInput):
        mean_interval(float("nan"), 1, 10)
    with pytest.raises(InvalidInput):
        mean_interval(1, -1, 10)
    with pytest.raises(InvalidInput, match="probability"):
        quantile_interval([1.0, 2.0], [5, 5], 1)
