"""What a metric will be: values of the periods to come, with intervals and the models' accuracy.

For: ``forecast``. Not for: models and their race (``statistics.forecasting``), reading the series
(``insight.series``) or keeping what was said (``insight.prediction_ledger``).

Periods that are not over when the newest batch comes, or whose responses can still be completed,
are no past: the forecast bridges those that are over. It begins after the last period with cases,
or with that one if it was not over; so an import of old years is forecast from its own end. Empty
periods after it are no zeros: when a batch came does not tell how far what it brought reaches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

from ioc_analytics.insight.data_version import data_version
from ioc_analytics.insight.prediction_ledger import (
    PERIOD_DAYS,
    PastScores,
    Prediction,
    past_scores,
)
from ioc_analytics.insight.series import (
    MetricSeries,
    SeriesPoint,
    left_out_past,
    next_period,
    parse_interval,
    read_series,
    whole_points,
)
from ioc_analytics.insight.trends import SEASONS
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.metrics import Metric
from ioc_analytics.states.reading import snapshot
from ioc_analytics.states.rebuild import midnight
from ioc_analytics.states.selection import name_organizations
from ioc_analytics.statistics.forecast_models import MODELS, NAIVE
from ioc_analytics.statistics.forecasting import RaceResult, SeriesForecast, forecast_series
from ioc_analytics.statistics.intervals import ConfidenceInterval
from ioc_analytics.statistics.scales import ScaleName

VERSION: Final = "1"
"""Version of the models and their race; another one whenever they would say something else."""

HORIZONS: Final[Mapping[str, int]] = {"daily": 14, "weekly": 8, "monthly": 3, "quarterly": 2}
"""Periods ahead, where the caller names none."""

MOST_PERIODS: Final = 3_650
"""Longest horizon; far below it, no past is long enough to learn from."""

HISTORY: Final = 60
"""Newest mature periods that are handed out beside the forecast."""

_SCALES: Final[Mapping[str, ScaleName]] = {
    "responses": "count",
    "assessments": "count",
    "share": "share",
    "seconds": "duration",
    "points": "points",
}


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """A metric in one period to come."""

    start: date
    end: date
    """Half-open."""

    value: float
    """Median of what may come, in the metric's unit."""

    interval: ConfidenceInterval


@dataclass(frozen=True, slots=True)
class ForecastAccuracy:
    """How far the model can be trusted."""

    backtest: RaceResult
    """Over later parts of the same past, which the model had not seen."""

    past: PastScores | None
    """Of earlier forecasts of this metric by models of the race; None: no truth has come yet."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next periods of a metric."""

    metric: str
    unit: str
    interval: str
    horizon: int
    """Periods ahead."""

    points: tuple[ForecastPoint, ...]
    model: str
    """The winner of the race: ``seasonal_naive``, ``ets`` or ``arima``."""

    version: str
    accuracy: ForecastAccuracy
    race: tuple[RaceResult, ...]
    """All models over the same past, in the metric's unit."""

    naive_wins: bool
    """Whether nothing beat repeating the last season."""

    season: int
    """Periods per season; 1: none could be learnt."""

    scale: str
    """Formula of the scale on which it was computed."""

    sample_size: int
    """Mature periods with a value that it was learnt from."""

    bridged: int
    """Periods that are over but can still change: no past, and not in the answer either."""

    history: tuple[SeriesPoint, ...]
    """The newest mature periods."""

    withheld: tuple[Mapping[str, str], ...]
    """Past that nothing was learnt from: ``figure`` and ``reason``."""

    filters: tuple[Filter, ...]
    """Organizations stand here by their pseudonyms."""

    as_of: datetime | None
    data_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast ready for JSON."""
        found: dict[str, Any] = to_json(asdict(self))
        return found | {"filters": [condition.to_dict() for condition in self.filters]}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per period to come; ``n`` counts the periods that were learnt from."""
        return pd.DataFrame(
            [
                {
                    "start": point.start,
                    "end": point.end,
                    "value": point.value,
                    "low": point.interval.low,
                    "high": point.interval.high,
                    "n": self.sample_size,
                }
                for point in self.points
            ]
        )

    def predictions(self) -> tuple[Prediction, ...]:
        """Return what the ledger keeps."""
        return tuple(
            Prediction(
                model=self.model,
                version=self.version,
                target=self.metric,
                filters=self.filters,
                start=point.start,
                end=point.end,
                horizon_days=(point.end - self.points[0].start).days,
                value=point.value,
                low=point.interval.low,
                high=point.interval.high,
                level=point.interval.level,
                accuracy={"backtest": to_json(asdict(self.accuracy.backtest))},
                data_version=self.data_version,
            )
            for point in self.points
        )


def forecast_metric(
    connection: psycopg.Connection[Any],
    metric: str,
    filters: Sequence[Filter],
    horizon: int | None,
    interval: str,
    organization: Callable[[str], UUID],
    *,
    maturity_days: int,
) -> Forecast:
    """Return the next periods of a metric, learnt from all its mature past.

    Args:
        connection: A connection of the analyst's role.
        metric: One of ``records.metrics.METRICS``.
        filters: Conditions, all of which must hold.
        horizon: Periods ahead, 1 to ``MOST_PERIODS``; None: as ``HORIZONS`` says.
        interval: ``daily``, ``weekly``, ``monthly`` or ``quarterly``.
        organization: Gives the pseudonym of an organization's own id.
        maturity_days: Days that a response has to be completed before its period counts.

    Raises:
        InvalidInput: Unknown metric, interval or category, or no whole number of periods.
        NotEnoughData: Too short a past for this horizon, too many gaps, or it never changes.
    """
    by = parse_interval(interval)
    ahead = HORIZONS[interval] if horizon is None else _checked_horizon(horizon)
    named = name_organizations(filters, organization)
    with snapshot(connection):
        series = read_series(
            connection,
            metric,
            named,
            TimeRange(None, None),
            interval,
            organization,
            maturity_days=maturity_days,
        )
        scores = past_scores(connection, series.metric.name, named, PERIOD_DAYS[by], MODELS)
        version = data_version(connection, series.as_of)
    mature = [at for at, point in enumerate(series.points) if point.is_mature]
    known = mature[-1] + 1 if mature else 0
    last = series.points[known - 1].start if known else date.min
    past = [point for point in whole_points(series) if point.start <= last]
    withheld = left_out_past(series)
    starts, bridged = _periods_ahead(series, known, ahead)
    factor = 100.0 if series.metric.unit == "points" and series.metric.kind == "rate" else 1.0
    try:
        found = _learn(series.metric, past, bridged + ahead, SEASONS.get(interval), factor)
    except NotEnoughData as error:
        raise NotEnoughData("; ".join([str(error), *(w["reason"] for w in withheld)])) from error
    race = tuple(_in_unit(result, factor) for result in found.race)
    return Forecast(
        metric=series.metric.name,
        unit=series.metric.unit,
        interval=interval,
        horizon=ahead,
        points=_points(found, starts, bridged, factor, [next_period(s, by) for s in starts]),
        model=found.model,
        version=VERSION,
        accuracy=ForecastAccuracy(
            next(result for result in race if result.model == found.model),
            scores,
        ),
        race=race,
        naive_wins=found.model == NAIVE,
        season=found.season,
        scale=found.scale,
        sample_size=found.sample_size,
        bridged=bridged,
        history=tuple(past[-HISTORY:]),
        withheld=withheld,
        filters=named,
        as_of=series.as_of,
        data_version=version,
    )


def _checked_horizon(horizon: Any) -> int:
    if (
        not isinstance(horizon, int)
        or isinstance(horizon, bool)
        or not 1 <= horizon <= MOST_PERIODS
    ):
        raise InvalidInput(
            f"the horizon is a whole number of periods, 1 to {MOST_PERIODS:,}, found {horizon!r}"
        )
    return horizon


def _periods_ahead(series: MetricSeries, known: int, ahead: int) -> tuple[list[date], int]:
    """Return the first days of the periods to come, and how many lie between them and the past."""
    by = parse_interval(series.interval)
    young = series.points[known:]
    is_over = [series.as_of is not None and midnight(p.end) <= series.as_of for p in young]
    bridged = sum(is_over)
    start = young[bridged].start if bridged < len(young) else series.points[-1].end
    starts = [start]
    while len(starts) < ahead:
        starts.append(next_period(starts[-1], by))
    return starts, bridged


def _learn(
    metric: Metric, past: Sequence[SeriesPoint], steps: int, season: int | None, factor: float
) -> SeriesForecast:
    values = np.array(
        [p.value / factor if p.is_mature and p.value is not None else np.nan for p in past]
    )
    is_rate = metric.kind == "rate"
    return forecast_series(
        values,
        steps,
        season,
        scale="share" if is_rate else _SCALES[metric.unit],
        trials=[p.sample_size for p in past] if is_rate else None,
    )


def _in_unit(result: RaceResult, factor: float) -> RaceResult:
    error, loss = result.mean_absolute_error, result.pinball_loss
    return replace(
        result,
        mean_absolute_error=None if error is None else factor * error,
        pinball_loss=None if loss is None else factor * loss,
    )


def _points(
    found: SeriesForecast,
    starts: Sequence[date],
    bridged: int,
    factor: float,
    ends: Sequence[date],
) -> tuple[ForecastPoint, ...]:
    def ahead(figures: npt.NDArray[np.float64]) -> list[float]:
        return [factor * float(figure) for figure in figures[bridged:]]

    rows = zip(starts, ends, ahead(found.values), ahead(found.low), ahead(found.high), strict=True)
    return tuple(
        ForecastPoint(
            start, end, value, ConfidenceInterval(found.level, low, high, "errors_of_backtest")
        )
        for start, end, value, low, high in rows
    )
