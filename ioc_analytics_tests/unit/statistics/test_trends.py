"""Trends, jumps and odd points: against R, and against the truth by simulation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import signal

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import find_anomalies, find_change_points, find_trend

REFERENCE = json.loads((Path(__file__).parent / "reference" / "trends.json").read_text())
SHAPES = ((24, None), (36, None), (36, 12), (60, 12), (91, 7), (156, None), (365, 7))
"""Length and season."""

CORRELATIONS = (0.0, 0.3, 0.6)


def agrees(expected: Any) -> Any:
    """Equal to R to 1e-6; what is nearly 0 to 1e-12."""
    return pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", REFERENCE)
def test_trends_equal_r(name: str) -> None:
    expected = REFERENCE[name]
    season = None if expected["season"] == 1 else expected["season"]
    found = find_trend(expected["values"], season)
    assert found.autocorrelation == agrees(expected["autocorrelation"])
    assert found.slope == agrees(expected["slope"])
    assert found.slope_interval.low == agrees(expected["low"])
    assert found.slope_interval.high == agrees(expected["high"])
    assert found.significance == agrees(expected["p_value"])
    if season is None:
        assert found.correlation == agrees(expected["tau"])
    else:
        assert found.seasonality is not None
        assert found.seasonality.effects == agrees(expected["effects"])
        assert found.seasonality.significance < 1e-6
        assert found.seasonality.strength > 0.5


def _noise(generator: np.random.Generator, n: int, r: float) -> npt.NDArray[np.float64]:
    drawn = generator.normal(size=n + 60)
    return np.asarray(signal.lfilter([1.0], [1.0, -r], drawn))[60:]


def _false_trends(n: int, season: int | None, r: float, series: int) -> tuple[float, float]:
    """Return percentages: false trends, and intervals that cover the slope."""
    generator = np.random.default_rng([n, season or 0, round(10 * r)])
    slope = 4 / n
    counts = np.zeros(2)
    for _ in range(series):
        noise = _noise(generator, n, r)
        rising = find_trend(noise + slope * np.arange(n), season).slope_interval
        counts += (
            find_trend(noise, season).direction != "stable",
            rising.low <= slope <= rising.high,
        )
    false, covered = (100 * counts / series).tolist()
    return false, covered


@pytest.mark.nightly
def test_false_trends_stay_within_3_to_7_percent(capsys: pytest.CaptureFixture[str]) -> None:
    lines, outside = ["length season  AR(1)  false %  covered %"], []
    for n, season in SHAPES:
        for r in CORRELATIONS:
            false, covered = _false_trends(n, season, r, 2000)
            lines.append(f"{n:6} {season or '-':>6} {r:6.1f} {false:8.1f} {covered:10.1f}")
            # 2000 series leave a standard error of 0.5 points.
            if not (2.5 <= false <= 7.5 and 92.5 <= covered <= 97.5):
                outside.append(lines[-1])
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table is what the test is for
    assert not outside


@pytest.mark.parametrize("r", CORRELATIONS)
def test_few_false_trends_in_short_series(r: float) -> None:
    false, covered = _false_trends(60, None, r, 400)
    # 400 series: three standard errors around 3 and 7 percent.
    assert 1.0 <= false <= 10.8
    assert covered >= 89


@pytest.mark.parametrize("rise", [10.0, 40.0, 400.0])
@pytest.mark.parametrize("n", [24, 60, 200, 1000])
def test_a_strong_trend_is_not_taken_for_autocorrelation(n: int, rise: float) -> None:
    noise = _noise(np.random.default_rng(n), n, 0.3)
    found = find_trend(noise - rise / n * np.arange(n))
    assert found.direction == "decreasing"
    assert found.slope == pytest.approx(-rise / n, abs=4 / n)


def test_too_short_long_or_broken_series_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="24 values"):
        find_trend(np.arange(23.0))
    assert find_trend(np.arange(24.0)).direction == "increasing"
    with pytest.raises(NotEnoughData, match="found 0"):
        find_trend([np.nan] * 50, 7)
    with pytest.raises(InvalidInput, match="infinite"):
        find_trend([1.0] * 30 + [np.inf])
    with pytest.raises(InvalidInput, match="longer periods"):
        find_trend(np.zeros(4001))
    with pytest.raises(NotEnoughData, match="20 values"):
        find_change_points(np.arange(19.0))
    assert find_anomalies(np.arange(19.0)) == ()


def test_a_constant_series_is_stable() -> None:
    found = find_trend([5.0] * 60, 7)
    assert (found.direction, found.slope, found.significance) == ("stable", 0.0, 1.0)
    assert (found.slope_interval.low, found.slope_interval.high) == (0.0, 0.0)
    assert find_change_points([5.0] * 60).points == ()
    assert find_anomalies([5.0] * 60) == ()


def test_gaps_bend_no_line() -> None:
    generator = np.random.default_rng(5)
    x = 0.2 * np.arange(200) + generator.normal(size=200)
    x[generator.choice(200, 60, replace=False)] = np.nan
    found = find_trend(x, 7)
    assert found.slope_interval.low < 0.2 < found.slope_interval.high
    assert found.direction == "increasing"
    without_weekends = np.where(np.arange(200) % 7 > 4, np.nan, x)
    assert find_trend(without_weekends, 7).direction == "increasing"


def test_a_season_is_seen_and_is_no_trend() -> None:
    generator = np.random.default_rng(6)
    week = np.array([3.0, 2.0, 2.0, 1.0, 0.0, -4.0, -4.0])
    found = find_trend(np.tile(week, 20) + generator.normal(size=140), 7)
    assert found.direction == "stable"
    assert found.seasonality is not None
    assert found.seasonality.effects == pytest.approx(week, abs=1.0)
    assert found.seasonality.significance < 1e-6
    assert find_trend(generator.normal(size=20 * 7), None).seasonality is None


@pytest.mark.parametrize("r", [0.0, 0.5])
def test_jumps_are_found_where_they_are(r: float) -> None:
    generator = np.random.default_rng(7)
    x = _noise(generator, 200, r)
    x[80:] += 5.0
    x[150:] -= 6.0
    x[30] += 9.0
    x[120] = np.nan
    found = find_change_points(x, slope=0.01).points
    assert [point.index for point in found] == pytest.approx([80, 150], abs=2)
    assert found[0].before < found[0].after > found[1].after


def test_an_odd_point_is_found_and_does_not_hide_itself() -> None:
    generator = np.random.default_rng(8)
    x = _noise(generator, 150, 0.0)
    x[100], x[101], x[130] = 9.0, np.nan, -8.0
    found = find_anomalies(x)
    assert [point.index for point in found] == [100, 130]
    assert found[0].score > 5 > -5 > found[1].score
    # Later values change nothing about a point's judgement but the limit.
    assert find_anomalies(np.where(np.arange(150) > 110, 0.0, x))[0] == found[0]


def test_a_trend_is_no_staircase_and_a_step_no_slope() -> None:
    generator = np.random.default_rng(9)
    noise = _noise(generator, 120, 0.0)
    line = find_change_points(noise + 0.1 * np.arange(120), slope=0.1)
    assert (line.points, line.slope) == ((), 0.1)
    assert line.fitted[-1] - line.fitted[0] == pytest.approx(11.9)
    step = find_change_points(noise + np.where(np.arange(120) < 60, 0.0, 8.0), slope=0.08)
    assert [point.index for point in step.points] == pytest.approx([60], abs=1)
    assert step.slope == 0.0


def _false_alarms(n: int, r: float, series: int) -> tuple[float, float]:
    """Return percentages of plain series in which a jump, and an odd point, is found."""
    generator = np.random.default_rng([n, round(10 * r)])
    drawn = [_noise(generator, n, r) for _ in range(series)]
    jumps = sum(bool(find_change_points(x).points) for x in drawn)
    odd = sum(bool(find_anomalies(x)) for x in drawn)
    return 100 * jumps / series, 100 * odd / series


@pytest.mark.nightly
def test_false_jumps_and_odd_points_are_as_rare_as_documented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = ["length  AR(1)  jumps %  odd points %"]
    for n, series in ((24, 2000), (60, 2000), (156, 1000), (365, 500)):
        for r in CORRELATIONS:
            jumps, odd = _false_alarms(n, r, series)
            lines.append(f"{n:6} {r:6.1f} {jumps:8.1f} {odd:13.1f}")
            assert jumps <= (9 if r == 0.6 else 2), lines[-1]
            assert odd <= 8.5, lines[-1]
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table is what the test is for


def test_false_jumps_and_odd_points_are_rare() -> None:
    jumps, odd = _false_alarms(60, 0.3, 300)
    assert jumps <= 3
    assert odd <= 9.5
