"""The trend of a metric: direction, slope, season, jumps and odd periods.

For: the facade, reports. Not for: reading the series (``insight.series``) or the formulas
(``statistics.trends``, ``changepoints``, ``anomalies``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

from ioc_analytics.insight.series import MetricSeries, SeriesPoint, read_series
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.states.reading import Source
from ioc_analytics.statistics.anomalies import Anomaly, find_anomalies
from ioc_analytics.statistics.changepoints import LevelChanges, find_change_points
from ioc_analytics.statistics.intervals import ConfidenceInterval
from ioc_analytics.statistics.trends import Seasonality, Trend, find_trend

SEASONS: Final[Mapping[str, int]] = {"daily": 7, "monthly": 12, "quarterly": 4}
"""Periods per season; a year has no whole number of weeks."""

Direction = Literal["increasing", "decreasing", "stable", "undetermined"]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A metric in one period, and what the series leads to expect there."""

    start: date
    end: date
    """Half-open."""

    value: float | None
    """None: no cases in the period."""

    sample_size: int
    is_mature: bool
    """Whether it was judged; see ``insight.series.SeriesPoint``."""

    expected: float | None
    """Level, slope and season, in the metric's unit; None: the trend is undetermined."""

    is_anomaly: bool


@dataclass(frozen=True, slots=True)
class MetricChangePoint:
    """A jump of the level."""

    start: date
    """First day of the first period of the new level."""

    before: float
    after: float
    """Levels, in the metric's unit; beside a slope, at the period of the jump."""


@dataclass(frozen=True, slots=True)
class MetricAnomaly:
    """A period that stands out from its past."""

    start: date
    value: float
    expected: float
    score: float
    """Distance from the past in its robust standard deviations."""


@dataclass(frozen=True, slots=True)
class TrendAnalysis:
    """The trend of a metric; figures that the data cannot carry are None and in ``withheld``."""

    metric: str
    unit: str
    interval: str
    trend: Direction
    """``stable``: no trend beyond chance at 5 %; ``undetermined``: too few periods to tell."""

    correlation: float | None
    """Kendall's tau of the pre-whitened values with time."""

    significance: float | None
    """p value, two-sided."""

    slope: float | None
    """In the metric's unit per period."""

    slope_interval: ConfidenceInterval | None
    autocorrelation: float | None
    """Lag 1, beside trend and season."""

    seasonality: Seasonality | None
    change_points: tuple[MetricChangePoint, ...]
    anomalies: tuple[MetricAnomaly, ...]
    points: tuple[TrendPoint, ...]
    sample_size: int
    """Periods that were judged."""

    immature: int
    """Periods left out because they are cut, not over, or can still change."""

    method: str | None
    withheld: tuple[Mapping[str, str], ...]
    """Figures that are not given: ``figure`` and ``reason``."""

    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None
    source: Source | None
    """Where the sums came from; None: assessments and medians have none."""

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis ready for JSON."""
        found: dict[str, Any] = to_json(asdict(self))
        return found | {
            "filters": [condition.to_dict() for condition in self.filters],
            "time_range": self.time_range.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per period."""
        return pd.DataFrame([asdict(point) for point in self.points])


def analyze_trends(
    connection: psycopg.Connection[Any],
    metric: str,
    filters: Sequence[Filter],
    time_range: TimeRange,
    interval: str,
    organization: Callable[[str], UUID],
    *,
    maturity_days: int,
) -> TrendAnalysis:
    """Return the trend of a metric over the mature periods of a range.

    Args:
        connection: A connection of the analyst's role.
        metric: One of ``records.metrics.METRICS``.
        filters: Conditions, all of which must hold.
        time_range: Start times of the responses, half-open.
        interval: ``daily``, ``weekly``, ``monthly`` or ``quarterly``.
        organization: Gives the pseudonym of an organization's own id.
        maturity_days: Days that a response has to be completed before its period counts.

    Raises:
        InvalidInput: Unknown metric, interval or category, more than 4,000 periods, or only rows
            that are gone could answer.
        NotEnoughData: No case in the range.
    """
    return judge_series(
        read_series(
            connection,
            metric,
            filters,
            time_range,
            interval,
            organization,
            maturity_days=maturity_days,
        )
    )


def judge_series(series: MetricSeries) -> TrendAnalysis:
    """Return the trend of a series that was read."""
    values = np.array(
        [p.value if p.is_mature and p.value is not None else np.nan for p in series.points]
    )
    sample_size = int(np.isfinite(values).sum())
    withheld = [_immature(series)] if any(not p.is_mature for p in series.points) else []
    trend: Trend | None = None
    fit: _Fit | None = None
    try:
        trend = find_trend(values, SEASONS.get(series.interval))
        fit = _fit(values, trend)
    except NotEnoughData as error:
        reason = f"{error}; ask for a longer range or shorter periods"
        figures = ("trend", "slope", "seasonality", "change_points", "anomalies")
        withheld += [{"figure": figure, "reason": reason} for figure in figures]
    else:
        if trend.seasonality is None and series.interval in SEASONS:
            reason = "a season needs 3 whole cycles in the range"
            withheld.append({"figure": "seasonality", "reason": reason})
    return TrendAnalysis(
        metric=series.metric.name,
        unit=series.metric.unit,
        interval=series.interval,
        trend=trend.direction if trend else "undetermined",
        correlation=trend.correlation if trend else None,
        significance=trend.significance if trend else None,
        slope=trend.slope if trend else None,
        slope_interval=trend.slope_interval if trend else None,
        autocorrelation=trend.autocorrelation if trend else None,
        seasonality=trend.seasonality if trend else None,
        change_points=_change_points(series, fit) if fit else (),
        anomalies=_anomalies(series, fit) if fit else (),
        points=_points(series, fit),
        sample_size=sample_size,
        immature=sum(not p.is_mature for p in series.points),
        method=trend.method if trend else None,
        withheld=(*withheld, *_left_out(series)),
        filters=series.filters,
        time_range=series.time_range,
        as_of=series.as_of,
        source=series.source,
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    changes: LevelChanges
    expected: npt.NDArray[np.float64]
    anomalies: tuple[Anomaly, ...]


def _fit(values: npt.NDArray[np.float64], trend: Trend) -> _Fit:
    season = np.zeros(len(values))
    if trend.seasonality is not None:
        season = np.resize(trend.seasonality.effects, len(values))
    is_moving = trend.direction != "stable"
    changes = find_change_points(values - season, trend.slope if is_moving else 0.0)
    expected = changes.fitted + season
    return _Fit(changes, expected, find_anomalies(values - expected))


def _points(series: MetricSeries, fit: _Fit | None) -> tuple[TrendPoint, ...]:
    odd = {anomaly.index for anomaly in fit.anomalies} if fit else set()
    return tuple(
        TrendPoint(
            point.start,
            point.end,
            point.value,
            point.sample_size,
            point.is_mature,
            float(fit.expected[at]) if fit else None,
            at in odd,
        )
        for at, point in enumerate(series.points)
    )


def _change_points(series: MetricSeries, fit: _Fit) -> tuple[MetricChangePoint, ...]:
    slope = fit.changes.slope
    return tuple(
        MetricChangePoint(
            series.points[jump.index].start,
            jump.before + slope * jump.index,
            jump.after + slope * jump.index,
        )
        for jump in fit.changes.points
    )


def _anomalies(series: MetricSeries, fit: _Fit) -> tuple[MetricAnomaly, ...]:
    found = []
    for anomaly in fit.anomalies:
        point: SeriesPoint = series.points[anomaly.index]
        expected = float(fit.expected[anomaly.index])
        found.append(MetricAnomaly(point.start, point.value or 0.0, expected, anomaly.score))
    return tuple(found)


def _immature(series: MetricSeries) -> dict[str, str]:
    n = sum(not point.is_mature for point in series.points)
    reason = "cut by the range or not over when the newest batch came"
    if series.metric.waits_for_completion:
        days = series.maturity_days
        reason += f", or younger than the {days} days that a response has to be completed"
    return {"figure": f"{n} of {len(series.points)} periods", "reason": reason}


def _left_out(series: MetricSeries) -> list[dict[str, str]]:
    found = []
    if series.undecided:
        reason = (
            "small organizations of sealed months, which no day has or the filters may not mean"
        )
        found.append({"figure": f"{series.undecided:,} responses", "reason": reason})
    if series.unjudged and series.metric.name in ("data_quality_score", "ai_agreement_rate"):
        reason = "sealed before whole responses and AI pairs were counted"
        found.append({"figure": f"{series.unjudged:,} responses", "reason": reason})
    return found
