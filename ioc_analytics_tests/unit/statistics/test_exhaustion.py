"""Dates of exhaustion: exact on a line, wide in noise, none without growth or history."""

from datetime import date, timedelta

import numpy as np
import pytest

from ioc_analytics.statistics.exhaustion import FEWEST_DAYS, exhaustion

START = date(2026, 1, 1)


def days(count: int) -> list[date]:
    return [START + timedelta(days=number) for number in range(count)]


def test_a_straight_line_is_followed_to_its_end() -> None:
    found = exhaustion(days(21), [40 + number for number in range(21)], 100)
    assert found is not None
    assert found.slope_per_day == pytest.approx(1)
    assert found.expected == START + timedelta(days=60)
    assert found.earliest == found.latest == found.expected


def test_days_without_a_figure_are_no_days_of_growth() -> None:
    some = days(60)[::3]
    found = exhaustion(some, [40 + (day - START).days / 2 for day in some], 100)
    assert found is not None
    assert abs((found.expected - (START + timedelta(days=120))).days) <= 1


def test_the_interval_is_that_of_r() -> None:
    # R: x <- 0:13; y <- 50 + 0.5 * x + rep(c(1, -1), 7); m <- lm(y ~ x); coef(m); confint(m)
    slope, slow, fast, level = 0.4692307692, 0.3144076094, 0.6240539291, 50.2 + 13 * 0.4692307692
    values = [50 + 0.5 * number + (1 if number % 2 == 0 else -1) for number in range(14)]
    found = exhaustion(days(14), values, 100)
    assert found is not None
    assert found.slope_per_day == pytest.approx(slope, rel=1e-9)
    newest = START + timedelta(days=13)
    assert found.expected == newest + timedelta(days=(100 - level) / slope)
    assert found.earliest == newest + timedelta(days=(100 - level) / fast)
    assert found.latest == newest + timedelta(days=(100 - level) / slow)


@pytest.mark.parametrize(
    ("count", "slope"), [(FEWEST_DAYS - 1, 1.0), (30, 0.0), (30, -1.0), (30, 0.001)]
)
def test_without_history_or_growth_there_is_no_date(count: int, slope: float) -> None:
    assert exhaustion(days(count), [50 + slope * number for number in range(count)], 100) is None


def test_the_interval_holds_the_true_day_as_often_as_it_says() -> None:
    generator = np.random.default_rng(7)
    truth = START + timedelta(days=100)
    hits = dates = 0
    for _ in range(400):
        values = 50 + 0.5 * np.arange(60) + generator.normal(0, 1, 60)
        found = exhaustion(days(60), list(values), 100)
        assert found is not None
        dates += 1
        latest = found.latest or date.max
        one = timedelta(days=1)  # dates are whole days, and the level at the newest one is fitted
        hits += found.earliest - one <= truth <= latest + one
    assert hits / dates >= 0.93
