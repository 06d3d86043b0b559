"""Forecasts: intervals cover what comes, impossible values never appear, naive can win."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import SCALES, forecast_series
from ioc_analytics.statistics.scales import ScaleName

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator


class Shape(NamedTuple):
    """A kind of series whose future is known."""

    scale: ScaleName
    length: int
    horizon: int
    season: int | None
    draw: Callable[[Generator, int], tuple[Floats, Floats | None]]


def _errors(generator: Generator, n: int, r: float) -> Floats:
    return np.asarray(signal.lfilter([1.0], [1.0, -r], generator.normal(size=n + 60)))[60:]


def _growing_counts(generator: Generator, n: int) -> tuple[Floats, None]:
    t = np.arange(n)
    level = 3 + 0.3 * np.sin(2 * np.pi * t / 7) + 0.002 * t + 0.1 * _errors(generator, n, 0.5)
    return generator.poisson(np.exp(level)).astype(np.float64), None


def _small_counts(generator: Generator, n: int) -> tuple[Floats, None]:
    return generator.poisson(2 + np.sin(2 * np.pi * np.arange(n) / 7)).astype(np.float64), None


def _shares(generator: Generator, n: int) -> tuple[Floats, Floats]:
    trials = generator.poisson(60, n) + 1
    odds = 0.8 + 0.2 * _errors(generator, n, 0.6) + 0.3 * (np.arange(n) % 7 > 4)
    return generator.binomial(trials, 1 / (1 + np.exp(-odds))) / trials, trials.astype(np.float64)


def _means(generator: Generator, n: int) -> tuple[Floats, None]:
    return 55 + 0.8 * _errors(generator, n, 0.4) + 0.5 * (np.arange(n) % 7 == 0), None


def _wandering(generator: Generator, n: int) -> tuple[Floats, None]:
    walk = 50 + 0.3 * np.cumsum(generator.normal(size=n)) + generator.normal(size=n)
    return np.clip(walk, 0, 100), None


def _few(generator: Generator, n: int) -> tuple[Floats, None]:
    return np.exp(4 + 0.02 * np.arange(n) + 0.2 * generator.normal(size=n)).round(), None


SHAPES: Final = {
    "growing counts": Shape("count", 120, 14, 7, _growing_counts),
    "growing counts, a year": Shape("count", 365, 28, 7, _growing_counts),
    "small counts": Shape("count", 120, 14, 7, _small_counts),
    "shares": Shape("share", 120, 14, 7, _shares),
    "shares, two months": Shape("share", 60, 7, 7, _shares),
    "means": Shape("points", 120, 14, 7, _means),
    "a wandering level": Shape("points", 150, 14, 7, _wandering),
    "30 months": Shape("count", 30, 4, 12, _few),
}


def _coverage(shape: Shape, series: int) -> float:
    """Return the percentage of values to come that 90 % intervals cover."""
    shares = []
    for seed in range(series):
        generator = np.random.default_rng([seed, shape.length, shape.horizon])
        values, trials = shape.draw(generator, shape.length + shape.horizon)
        past, future = values[: shape.length], values[shape.length :]
        found = forecast_series(
            past,
            shape.horizon,
            shape.season,
            scale=shape.scale,
            trials=None if trials is None else trials[: shape.length],
        )
        shares.append(float(((found.low <= future) & (future <= found.high)).mean()))
    return 100 * float(np.mean(shares))


@pytest.mark.nightly
def test_90_percent_intervals_cover_85_to_95(capsys: pytest.CaptureFixture[str]) -> None:
    lines, outside = ["series                  length horizon  covered %"], []
    for name, shape in SHAPES.items():
        covered = _coverage(shape, 200)
        lines.append(f"{name:24}{shape.length:6} {shape.horizon:7} {covered:10.1f}")
        if not 85 <= covered <= 95:
            outside.append(lines[-1])
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table is what the test is for
    assert not outside


@pytest.mark.parametrize("name", ["shares, two months", "30 months"])
def test_intervals_cover_what_comes(name: str) -> None:
    # 20 series: a standard error of about 3 points.
    assert 80 <= _coverage(SHAPES[name], 20) <= 98


def test_a_season_is_learnt_and_counts_stay_possible() -> None:
    generator = np.random.default_rng(3)
    place = np.arange(140) % 7
    counts = np.where(place >= 5, 0, generator.poisson(40, 140)).astype(np.float64)
    found = forecast_series(counts, 14, 7, scale="count")
    ahead = np.arange(140, 154) % 7
    assert (found.low >= 0).all()
    assert (found.values[ahead >= 5] < 1).all()
    assert found.values[ahead < 5] == pytest.approx(np.full(10, 40.0), abs=8)
    assert (found.low < found.values).all()
    assert (found.values < found.high).all()
    by_name = {result.model: result for result in found.race}
    assert set(by_name) == {"seasonal_naive", "ets", "arima"}
    own = by_name[found.model].mean_absolute_error
    assert own == min(
        r.mean_absolute_error for r in found.race if r.mean_absolute_error is not None
    )


def test_repeating_the_season_wins_where_nothing_says_more() -> None:
    # Each weekday wanders on its own: its last value says all there is to say.
    steps = np.random.default_rng(0).normal(size=(30, 7))
    values = 50 + np.cumsum(steps, axis=0).ravel()
    found = forecast_series(values, 14, 7)
    assert found.model == "seasonal_naive"
    assert found.values == pytest.approx(np.resize(values[-7:], 14))


def test_gaps_are_no_truth() -> None:
    generator = np.random.default_rng(6)
    values = 50 + generator.normal(size=90)
    gone = values.copy()
    gone[generator.choice(90, 20, replace=False)] = np.nan
    found = forecast_series(gone, 7, 7)
    assert found.sample_size == 70
    assert found.errors < found.origins * 7
    assert found.values == pytest.approx(np.full(7, 50.0), abs=2)


def test_what_cannot_be_forecast_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="29 in all, found 20"):
        forecast_series(np.arange(20.0), 10)
    with pytest.raises(NotEnoughData, match="never changes"):
        forecast_series(np.full(60, 5.0), 7, scale="count")
    with pytest.raises(NotEnoughData, match="30 of 60"):
        forecast_series([1.0, np.nan] * 30, 7)
    with pytest.raises(InvalidInput, match="horizon is at least 1"):
        forecast_series(np.arange(60.0), 0)
    with pytest.raises(InvalidInput, match="between 0 and 1, found"):
        forecast_series(np.linspace(0, 2, 60), 3, scale="share")
    with pytest.raises(InvalidInput, match="confidence level"):
        forecast_series(np.arange(60.0), 3, level=90)


@given(st.sampled_from(list(SCALES)), st.lists(st.floats(-800, 800), min_size=1))
def test_what_comes_back_from_a_scale_is_possible_and_in_order(
    name: ScaleName, values: list[float]
) -> None:
    ruler = SCALES[name]
    back = ruler.restore(np.sort(values))
    assert (back >= ruler.low).all()
    assert (back <= ruler.high).all()
    assert (np.diff(back) >= 0).all()


@given(st.lists(st.integers(0, 50), min_size=1))
def test_a_scale_leads_there_and_back(counts: list[int]) -> None:
    for name in ("count", "points", "duration"):
        ruler = SCALES[name]
        assert ruler.restore(ruler.transform(counts)) == pytest.approx(counts, abs=1e-9)
    odds = SCALES["share"].transform([0.0, 0.5, 1.0], [10, 10, 10])
    assert SCALES["share"].restore(odds) == pytest.approx([0.5 / 11, 0.5, 10.5 / 11])
