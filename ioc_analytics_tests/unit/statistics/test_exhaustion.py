"""Dates of exhaustion: exact on a line, wide in noise, none without growth or history."""

import sys
from datetime import date, timedelta

import numpy as np
import pytest

from ioc_analytics.statistics.exhaustion import (
    FEWEST_DAYS,
    Follow,
    exhaustion,
    extend,
    follow_growth,
    follow_line,
)

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


def test_without_autocorrelation_the_interval_is_that_of_r() -> None:
    # R: x <- 0:13; y <- 50 + 0.5 * x + rep(c(1, -1), 7); m <- lm(y ~ x)
    #    predict(m, data.frame(x = c(20, 43)), interval = "prediction", level = 0.9)
    values = [50 + 0.5 * number + (1 if number % 2 == 0 else -1) for number in range(14)]
    course = follow_line(days(14), values)
    for ahead, figures in (
        (7, (59.5846153846, 56.9706575527, 62.1985732165)),
        (30, (70.3769230769, 65.3491938035, 75.4046523504)),
    ):
        value, interval = extend(course, ahead, 0.9)
        assert (value, interval.low, interval.high) == pytest.approx(figures, rel=1e-9)


def test_dates_are_where_the_limits_reach_the_end() -> None:
    generator = np.random.default_rng(3)
    level = (50 + 0.5 * np.arange(40) + generator.normal(0, 1, 40)).tolist()
    piling = (50 + np.cumsum(generator.normal(0.5, 0.3, 40))).tolist()
    for follow, values in ((follow_line, level), (follow_growth, piling)):
        found = exhaustion(days(40), values, 100, follow)
        assert found is not None
        assert found.latest is not None
        assert found.earliest < found.expected < found.latest
        for day, at in ((found.earliest, 2), (found.expected, 0), (found.latest, 1)):
            now, before = (limits(follow, values, day - timedelta(days=n))[at] for n in (0, 1))
            assert before < 100 <= now


def limits(follow: Follow, values: list[float], day: date) -> tuple[float, float, float]:
    course = follow(days(len(values)), values)
    value, interval = extend(course, (day - course.newest).days, 0.95)
    return value, interval.low, interval.high


def test_growth_is_by_its_mean_from_where_it_stands() -> None:
    # Increments 1, 3, 1, 3, ...: no positive autocorrelation, variance 16 / 15.
    values = np.cumsum([0.0] + [1.0, 3.0] * 8).tolist()
    value, interval = extend(follow_growth(days(17), values), 4, 0.9)
    assert value == pytest.approx(32 + 4 * 2)
    # Student's t of 15 degrees of freedom: qt(0.95, 15) in R.
    half = 1.753050356 * (16 / 15 * (4 + 16 / 16)) ** 0.5
    assert interval.high - value == pytest.approx(half, rel=1e-6)


def coverage(follow: Follow, lag: float, n: int, ahead: int, runs: int) -> float:
    generator = np.random.default_rng(7)
    hits = 0
    for _ in range(runs):
        shocks = generator.normal(0, 1, n + ahead + 50)
        for at in range(1, len(shocks)):
            shocks[at] += lag * shocks[at - 1]
        noise = shocks[50:]
        piling = np.cumsum(5 + noise)
        values = piling if follow is follow_growth else 0.1 * np.arange(n + ahead) + noise
        _, interval = extend(follow(days(n), values[:n].tolist()), ahead, 0.9)
        hits += interval.low <= values[-1] <= interval.high
    return hits / runs


@pytest.mark.parametrize("follow", [follow_line, follow_growth])
@pytest.mark.parametrize("lag", [0.0, 0.5])
@pytest.mark.parametrize("n", [14, 60])
def test_intervals_cover_as_they_say(follow: Follow, lag: float, n: int) -> None:
    assert 0.82 <= coverage(follow, lag, n, 30, 200) <= 0.97


@pytest.mark.nightly
def test_intervals_cover_85_to_95_percent_on_average() -> None:
    found = []
    for follow in (follow_line, follow_growth):
        for lag in (0.0, 0.3, 0.6):
            row = [coverage(follow, lag, n, h, 1000) for n in (14, 30, 90) for h in (7, 30, 90)]
            shown = "  ".join(f"{one:.3f}" for one in row)
            sys.stdout.write(f"\n{follow.__name__:14} {lag:.1f}  {shown}")
            found += row
    assert min(found) >= 0.8
    assert 0.87 <= np.mean(found) <= 0.93


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
