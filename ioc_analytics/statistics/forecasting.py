"""Forecasts of a series: several models race over its own past, the best one speaks.

For: forecasts of metrics. Not for: reading a series (``insight.series``), judging the past
(``trends``), or the models themselves (``forecast_models``).

Every model is fitted to the older half alone and asked at up to 12 later origins for what came
next. The one with the smallest mean absolute error wins; ties and losses go to the seasonal naive
model, which repeats the last season. Intervals take their width from the same errors: models
believe in themselves too much, by how much is measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.forecast_models import MODELS, NAIVE, FitFailed, Predict
from ioc_analytics.statistics.intervals import checked_level
from ioc_analytics.statistics.scales import SCALES, Scale, ScaleName
from ioc_analytics.statistics.scoring_rules import (
    interval_coverage,
    mean_absolute_error,
    pinball_loss,
)
from ioc_analytics.statistics.trends import checked_series

FORECAST_LEVEL: Final = 0.9
"""Share of what comes that intervals are meant to cover, where the caller names none."""

MINIMUM_TRAINING: Final = 12
"""Fewest values that a model is fitted to; with a season 3 whole cycles, if that is more."""

MINIMUM_ORIGINS: Final = 8
"""Fewest origins that models are compared at."""

MAXIMUM_ORIGINS: Final = 12
MAXIMUM_LENGTH: Final = 1000
"""Values that models look back on, at most: older ones say little of what comes next."""

MINIMUM_CYCLES: Final = 3
MAXIMUM_GAPS: Final = 1 / 3
"""Largest share of periods without a value."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RaceResult:
    """How a model did over the series' own past; figures are None when it could not be fitted."""

    model: str
    mean_absolute_error: float | None
    """In the unit of the values."""

    coverage: float | None
    """Share of what came within its intervals, each drawn from the errors at other origins."""

    pinball_loss: float | None
    """Mean of both ends of the interval, in the unit of the values."""

    failure: str | None


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """What comes next."""

    values: FloatArray
    """Medians, shape ``(horizon,)``, in the unit of the values."""

    low: FloatArray
    high: FloatArray
    level: float
    model: str
    """The winner: ``seasonal_naive``, ``ets`` or ``arima``."""

    scale: str
    """Formula of the scale on which it was computed."""

    season: int
    """Periods per season; 1: none, because there are too few cycles or none was asked for."""

    race: tuple[RaceResult, ...]
    origins: int
    errors: int
    """Values that came after the origins, which models were compared on."""

    sample_size: int


def forecast_series(
    values: npt.ArrayLike,
    horizon: int,
    season: int | None = None,
    *,
    scale: ScaleName = "points",
    trials: npt.ArrayLike | None = None,
    level: float = FORECAST_LEVEL,
) -> SeriesForecast:
    """Return the next values of a series, with intervals.

    Formula: m(h) ± f s(h) on the scale, m and s mean and standard error of the model, f the
    (level)(1 + 1/n) quantile of |error| / s over all n errors of the race, not below the normal
    quantile; then back to the unit of the values.

    Args:
        values: Shape ``(n_periods,)``, equally spaced, in the unit of the metric; NaN where a
            period has none: it is taken as one season before, and never as a truth.
        horizon: Periods ahead, at least 1.
        season: Periods per season; None: none. Left out with fewer than 3 cycles to learn from.
        scale: What the values are, see ``scales``.
        trials: Cases behind each share, shape ``(n_periods,)``.
        level: Share of what comes that the interval is meant to cover.

    Raises:
        InvalidInput: The horizon is not positive, a value is impossible for its scale.
        NotEnoughData: Too short a series for this horizon, too many gaps, or it never changes.

    Source:
        Rolling origins: Tashman (2000), doi:10.1016/S0169-2070(00)00065-0. Width from errors:
        Lei et al. (2018), doi:10.1080/01621459.2017.1307116, section 5.2; a series is not
        exchangeable, so that its coverage is measured (the nightly test prints it), not proven.

    Example:
        >>> counts = [float(30 + 10 * (t % 7 < 5) + 5 * t * t % 3) for t in range(70)]
        >>> found = forecast_series(counts, 2, 7, scale="count")
        >>> found.model, found.values.round(1).tolist(), found.low.round(1).tolist()
        ('seasonal_naive', [40.0, 42.0], [37.2, 39.1])
    """
    if horizon < 1 or (season is not None and season < 2):
        raise InvalidInput(
            f"the horizon is at least 1 and a season at least 2 periods, found {horizon} and "
            f"{season}"
        )
    checked_level(level)
    raw = checked_series(values)[-MAXIMUM_LENGTH:]
    n_trials = None if trials is None else np.asarray(trials)[-MAXIMUM_LENGTH:]
    first, period = _plan(raw, horizon, season)
    ruler = SCALES[scale]
    y = _filled(ruler.transform(raw, n_trials), period)
    origins = np.unique(
        np.linspace(first, len(y) - horizon, MAXIMUM_ORIGINS).round().astype(np.int64)
    )
    runs = {name: _race(name, y, raw, first, origins, horizon, period) for name in MODELS}
    race = {name: _judge(name, run, ruler, level) for name, run in runs.items()}
    for name in _ranking(race):
        try:
            mean, error = _ask(MODELS[name](y, period), y, horizon)
        except FitFailed as failed:
            if name == NAIVE:
                raise NotEnoughData(str(failed)) from failed
            race[name] = RaceResult(name, None, None, None, str(failed))
            continue
        width = _width(runs[name], level) * error
        return SeriesForecast(
            values=ruler.restore(mean),
            low=ruler.restore(mean - width),
            high=ruler.restore(mean + width),
            level=level,
            model=name,
            scale=ruler.formula,
            season=period,
            race=tuple(race.values()),
            origins=len(origins),
            errors=len(runs[name].actual),
            sample_size=int(np.isfinite(raw).sum()),
        )
    raise NotEnoughData("a series that never changes has no errors to draw intervals from")


@dataclass(frozen=True, slots=True)
class _Run:
    """What a model said at all origins, and what came; on the scale, but for ``actual``."""

    actual: FloatArray
    truth: FloatArray
    mean: FloatArray
    error: FloatArray
    origin: npt.NDArray[np.int64]
    failure: str | None = None


def _plan(raw: FloatArray, horizon: int, season: int | None) -> tuple[int, int]:
    """Return the first origin and the season that can be learnt before it."""
    n = len(raw)
    gaps = int(np.isnan(raw).sum())
    if n and gaps > MAXIMUM_GAPS * n:
        raise NotEnoughData(
            f"{gaps} of {n} periods have no value; a forecast allows a third: "
            "ask for longer periods"
        )
    last = n - horizon - MINIMUM_ORIGINS + 1
    if last < MINIMUM_TRAINING:
        raise NotEnoughData(
            f"a forecast of {horizon} periods needs {MINIMUM_TRAINING + horizon} past ones and "
            f"{MINIMUM_ORIGINS - 1} more to compare models, "
            f"{MINIMUM_TRAINING + horizon + MINIMUM_ORIGINS - 1} in all, found {n}: ask for a "
            "shorter horizon, shorter periods or a longer range"
        )
    needed = MINIMUM_CYCLES * (season or 1)
    first = min(max(n // 2, MINIMUM_TRAINING, needed), last)
    return first, season if season is not None and first >= needed else 1


def _filled(y: FloatArray, season: int) -> FloatArray:
    """Return a series without gaps: a value that is missing is that of one season before."""
    known = y[np.isfinite(y)]
    filled = y.copy()
    for at in np.flatnonzero(np.isnan(y)):
        before = at - season
        filled[at] = filled[before] if before >= 0 else known[0]
    return filled


def _race(
    name: str,
    y: FloatArray,
    raw: FloatArray,
    first: int,
    origins: npt.NDArray[np.int64],
    horizon: int,
    season: int,
) -> _Run:
    try:
        predict = MODELS[name](y[:first], season)
        said = [_ask(predict, y[:origin], horizon) for origin in origins.tolist()]
    except FitFailed as failed:
        empty = np.empty(0)
        return _Run(empty, empty, empty, empty, origins[:0], str(failed))
    ahead = origins[:, None] + np.arange(horizon)
    is_known = np.isfinite(raw[ahead])
    return _Run(
        actual=raw[ahead][is_known],
        truth=y[ahead][is_known],
        mean=np.array([mean for mean, _ in said])[is_known],
        error=np.array([error for _, error in said])[is_known],
        origin=np.broadcast_to(origins[:, None], ahead.shape)[is_known],
    )


def _ask(predict: Predict, values: FloatArray, horizon: int) -> tuple[FloatArray, FloatArray]:
    mean, error = predict(values, horizon)
    if not (np.isfinite(mean).all() and np.isfinite(error).all() and (error > 0).all()):
        raise FitFailed("the model gives no spread to draw intervals from")
    return mean, error


def _judge(name: str, run: _Run, ruler: Scale, level: float) -> RaceResult:
    if not len(run.actual):
        return RaceResult(name, None, None, None, run.failure or "no value came after the origins")
    # Its interval at an origin may not know the errors of that origin.
    width = np.zeros(len(run.mean))
    for is_own in _by_origin(run):
        width[is_own] = _width(run, level, ~is_own) * run.error[is_own]
    low, high = ruler.restore(run.mean - width), ruler.restore(run.mean + width)
    tail = (1 - level) / 2
    losses = (pinball_loss(run.actual, low, tail), pinball_loss(run.actual, high, 1 - tail))
    return RaceResult(
        name,
        mean_absolute_error(run.actual, ruler.restore(run.mean)),
        interval_coverage(run.actual, low, high),
        sum(losses) / 2,
        None,
    )


def _by_origin(run: _Run) -> Iterator[npt.NDArray[np.bool_]]:
    for origin in np.unique(run.origin):
        yield run.origin == origin


def _width(run: _Run, level: float, chosen: npt.NDArray[np.bool_] | None = None) -> float:
    """Return the half width of an interval in standard errors."""
    believed = -float(special.ndtri((1 - level) / 2))
    distance = np.abs(run.truth - run.mean) / run.error
    distance = distance if chosen is None else distance[chosen]
    if not len(distance):
        return believed
    share = min(1.0, level * (1 + 1 / len(distance)))
    return max(believed, float(np.quantile(distance, share, method="higher")))


def _ranking(race: dict[str, RaceResult]) -> list[str]:
    """Return the models that could be fitted, best first; the naive one wins ties."""
    raced = [(r.mean_absolute_error, r.model != NAIVE, r.model) for r in race.values()]
    return [name for error, _, name in sorted(x for x in raced if x[0] is not None)]
