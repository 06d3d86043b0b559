"""Correlations say what they can carry: r with interval, p and n, or a reason."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import (
    adjust_false_discovery,
    adjust_familywise,
    correlate,
    correlate_traits,
    fisher_interval,
    moments_from_vectors,
)
from ioc_analytics_tests.unit.statistics.samples import instrument_names, vectors

p_values = st.lists(st.floats(0, 1), max_size=20)


@given(people=vectors(instrument_names))
def test_r_and_p_equal_scipy(people: npt.NDArray[np.float64]) -> None:
    x, y = people[:, 0], people[:, 1]
    both = ~(np.isnan(x) | np.isnan(y))
    ours = correlate(x, y)
    if ours.r is None or ours.p_value is None:
        assert both.sum() < 3 or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0
        assert ours.reason
        return
    theirs = stats.pearsonr(x[both], y[both])
    assert ours.r == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-5)
    assert correlate(y, x) == ours
    if ours.confidence_interval:
        assert ours.confidence_interval.low <= ours.r <= ours.confidence_interval.high


def test_one_constant_trait_leaves_the_other_pairs() -> None:
    random = np.random.default_rng(4)
    people = np.rint(random.uniform(0, 12, (50, 5))) * 100 / 12
    people[:, 2] = 100 / 3  # not exact in binary
    matrix = correlate_traits(moments_from_vectors(people))
    assert matrix["openness"]["extraversion"].r is None
    assert matrix["openness"]["extraversion"].reason == "extraversion does not vary"
    assert matrix["extraversion"]["openness"].reason == "extraversion does not vary"
    defined = matrix["openness"]["neuroticism"]
    assert defined.r is not None
    assert defined.p_value is not None
    assert defined.adjusted_p_value is not None
    assert defined.p_value <= defined.adjusted_p_value <= 1


def test_two_people_are_too_few_and_three_have_no_interval() -> None:
    two = correlate([1.0, 2.0, np.nan], [1.0, 5.0, 3.0])
    assert (two.r, two.sample_size) == (None, 2)
    assert two.reason == "needs at least 3 complete pairs, found 2"
    three = correlate([1.0, 2.0, 3.0], [1.0, 5.0, 3.0])
    assert three.r == pytest.approx(0.5)
    assert three.confidence_interval is None


def test_a_perfect_line_is_one() -> None:
    perfect = correlate([1.0, 2.0, 3.0, 4.0], [-2.0, -4.0, -6.0, -8.0])
    assert perfect.r == pytest.approx(-1)
    assert perfect.p_value == pytest.approx(0, abs=1e-7)
    interval = fisher_interval(1, 10)
    assert (interval.low, interval.high) == (1, 1)


def test_both_constant_and_nobody_have_their_reasons() -> None:
    both = correlate([1.0] * 5, [2.0] * 5, names=("speed", "age"))
    assert both.reason == "speed and age do not vary"
    assert correlate([], []).reason == "needs at least 3 complete pairs, found 0"


@given(p=p_values)
def test_corrections_never_lower_a_p_value_and_keep_the_order(p: list[float]) -> None:
    discovery, familywise = adjust_false_discovery(p), adjust_familywise(p)
    if p:
        assert discovery == pytest.approx(stats.false_discovery_control(p))
    given_p = np.array(p)
    assert (discovery >= given_p - 1e-15).all()
    assert (familywise >= discovery - 1e-12).all()
    for adjusted in (discovery, familywise):
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(given_p, kind="stable")]) >= -1e-15).all()


@pytest.mark.parametrize("p", [[-0.1], [1.1], [np.nan], [[0.5]]])
def test_what_is_no_p_value_is_refused(p: list[float]) -> None:
    with pytest.raises(InvalidInput):
        adjust_false_discovery(p)
    with pytest.raises(InvalidInput):
        adjust_familywise(p)


def test_bad_columns_are_refused() -> None:
    with pytest.raises(InvalidInput, match="one length"):
        correlate([1.0, 2.0], [1.0])
    with pytest.raises(InvalidInput, match="infinite"):
        correlate([1.0, np.inf], [1.0, 2.0])
    with pytest.raises(InvalidInput):
        fisher_interval(1.2, 10)
    with pytest.raises(NotEnoughData):
        fisher_interval(0.2, 3)
