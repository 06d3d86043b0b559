"""Control charts: false alarms as stated, shifts seen, limits that say the same as the alarm."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from scipy import signal, special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import watch_level, watch_rate
from ioc_analytics.statistics.control_charts import LARGEST_FALSE_ALARM_RATE

WATCHED: Final = 8
REFERENCE: Final = json.loads((Path(__file__).parent / "reference" / "charts.json").read_text())
Counts = npt.NDArray[np.int64]

GRID: Final = (
    # rate, cases a period, SD between periods (log odds), autocorrelation
    (0.85, 100, 0.0, 0.0),
    (0.85, 100, 0.3, 0.0),
    (0.85, 100, 0.3, 0.3),
    (0.85, 100, 0.3, 0.6),
    (0.03, 40, 0.0, 0.0),
    (0.03, 200, 0.3, 0.3),
    (0.97, 60, 0.3, 0.0),
)


def _steady(
    seed: int, looks: int, length: int, rate: float, cases: int, spread: float, r: float
) -> Iterator[tuple[Counts, Counts]]:
    generator = np.random.default_rng(seed)
    for _ in range(looks):
        errors = signal.lfilter([np.sqrt(1 - r * r)], [1, -r], generator.normal(size=length + 50))
        odds = special.logit(rate) + spread * np.asarray(errors)[50:]
        trials = generator.poisson(cases, length) + 1
        yield generator.binomial(trials, special.expit(odds)), trials


def _false_alarms(seed: int, looks: int, length: int, *shape: float) -> tuple[float, float]:
    """Return the percentage of looks at a steady level that call an alarm, low and high."""
    rate, cases, spread, r = shape
    low = high = 0
    for hits, trials in _steady(seed, looks, length, rate, int(cases), spread, r):
        chart = watch_rate(hits, trials, WATCHED)
        low += chart.low_alarms[-1]
        high += chart.high_alarms[-1]
    return 100 * low / looks, 100 * high / looks


@pytest.mark.nightly
def test_false_alarms_are_as_rare_as_stated(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["periods  rate  cases  SD   r    low %  high %   (at most 1 %, mean of both)"]
    faults = []
    for length in (28, 60):
        for rate, cases, spread, r in GRID:
            low, high = _false_alarms(5, 4000, length, rate, cases, spread, r)
            lines.append(
                f"{length:7} {rate:5.2f} {cases:6} {spread:4.1f} {r:4.1f} {low:7.2f} {high:7.2f}"
            )
            if (low + high) / 2 > 100 * LARGEST_FALSE_ALARM_RATE:
                faults.append(lines[-1])
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table is what the test is for
    assert not faults


@pytest.mark.parametrize("expected", REFERENCE["level"], ids=["independent", "correlated"])
def test_a_chart_of_a_level_equals_r(expected: dict[str, Any]) -> None:
    chart = watch_level(expected["values"], expected["variances"], WATCHED)
    for name, value in expected["chart"].items():
        assert getattr(chart, name) == pytest.approx(value, rel=1e-6, abs=1e-12), name


def test_a_chart_of_a_rate_equals_r() -> None:
    expected = dict(REFERENCE["rate"])
    chart = watch_rate(expected.pop("successes"), expected.pop("trials"), WATCHED)
    for name, value in expected.items():
        assert getattr(chart, name) == pytest.approx(value, rel=1e-6, abs=1e-12), name


def test_a_steady_level_gives_hardly_any_alarm() -> None:
    # 0.5 % of 600 are 3; more than 10 has a probability below 1 in 1,000.
    low, high = _false_alarms(7, 600, 40, 0.85, 100, 0.3, 0.0)
    assert max(low, high) <= 100 * 10 / 600


def test_a_fall_that_lasts_is_seen_and_a_rise_is_no_fall() -> None:
    generator = np.random.default_rng(2)
    trials = np.full(40, 150)
    rates = np.where(np.arange(40) < 36, 0.9, 0.78)
    chart = watch_rate(generator.binomial(trials, rates), trials, WATCHED)
    assert chart.p_low < 0.001 < 0.99 < chart.p_high
    assert chart.low_alarms[-3:] == (True, True, True)
    assert not any(chart.low_alarms[:4])
    assert not any(chart.high_alarms)


@pytest.mark.parametrize("seed", range(6))
def test_limits_and_alarm_say_the_same(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = np.append(generator.normal(50, 2, 24), generator.normal(50 + seed - 3, 2, WATCHED))
    chart = watch_level(values, np.full(32, 1.0), WATCHED)
    assert chart.low_alarms[-1] is (chart.weighted < chart.low)
    assert chart.high_alarms[-1] is (chart.weighted > chart.high)
    assert (chart.p_low < 0.005) is chart.low_alarms[-1]
    assert chart.next_low < chart.centre < chart.next_high
    weights = 0.7 ** np.arange(WATCHED)[::-1]
    assert chart.weighted == pytest.approx(np.average(values[-WATCHED:], weights=weights))
    assert chart.dispersion == pytest.approx(np.var(values[:24], ddof=1))


def test_a_rate_of_nothing_does_not_rise_when_there_are_fewer_cases() -> None:
    trials = np.where(np.arange(40) < 32, 60, 30)
    with pytest.raises(NotEnoughData, match="same value"):
        watch_rate(np.zeros(40), trials, WATCHED)
    rare = np.array([0, 1, 0, 0] * 10)
    chart = watch_rate(rare, trials, WATCHED)
    assert chart.p_high > 0.05
    assert chart.low == 0.0


def test_bad_input_is_refused() -> None:
    ones = np.ones(30)
    with pytest.raises(NotEnoughData, match="needs 20 periods before the 8"):
        watch_level(np.arange(27.0), ones[:27], 8)
    with pytest.raises(NotEnoughData, match="same value"):
        watch_level(ones, ones, 8)
    with pytest.raises(InvalidInput, match="finite value"):
        watch_level([*range(29), np.nan], ones, 8)
    with pytest.raises(InvalidInput, match="positive variance"):
        watch_level(np.arange(30.0), 0 * ones, 8)
