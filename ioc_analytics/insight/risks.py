"""Early warnings: whether completion, quality, careless answers or AI agreement turned worse.

For: ``assess_risks``. Not for: the chart (``statistics.control_charts``), alerts on the machine
(``monitoring.alerts``) or trends over the whole past (``insight.trends``).

Each metric is watched by the week, so that weekdays do not matter: the newest 8 mature weeks
against up to a year before them. What the chart expects of the next week goes to the
ledger, so that its limits are scored like any prediction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import pandas as pd
import psycopg

from ioc_analytics.database.pools import Database
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
    read_series,
    whole_points,
)
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.states.reading import read_ground, snapshot
from ioc_analytics.states.selection import name_organizations
from ioc_analytics.statistics.control_charts import (
    FALSE_ALARM_RATE,
    LARGEST_FALSE_ALARM_RATE,
    watch_rate,
)
from ioc_analytics.statistics.intervals import ConfidenceInterval

MODEL: Final = "ewma_chart"
VERSION: Final = "2"
"""Version of the chart; another one whenever it would say something else."""

METRICS_WATCHED: Final = (
    "completion_rate",
    "data_quality_score",
    "careless_rate",
    "ai_agreement_rate",
)
WATCHED_WEEKS: Final = 8
BASELINE_WEEKS: Final = 52

_NEXT_LEVEL: Final = 0.9
_LASTING_WEEKS: Final = 4

Severity = Literal["high", "medium"]


@dataclass(frozen=True, slots=True)
class WatchedWeek:
    """One of the weeks that are judged."""

    start: date
    value: float
    """In the metric's unit."""

    sample_size: int
    is_alarm: bool
    """Whether the chart was in alarm when this week was the newest."""


@dataclass(frozen=True, slots=True)
class Risk:
    """How a watched metric stands."""

    metric: str
    unit: str
    is_raised: bool
    severity: Severity | None
    """``high``: ten times rarer than the limit, or for 4 weeks; None: not raised."""

    value: float
    """Of the newest mature week, in the metric's unit."""

    expected: float
    """Level of the earlier weeks."""

    weighted: float
    """Weighted mean of the watched weeks, the newest first: what is compared with the limits."""

    interval: ConfidenceInterval
    """Limits: within them nothing is raised."""

    since: date | None
    """First day of the first week of the present alarm."""

    p_value: float
    """Probability of standing this badly though nothing has changed."""

    evidence: tuple[WatchedWeek, ...]
    baseline_weeks: int
    sample_size: int
    """Cases in the watched weeks."""

    dispersion: float
    """Variance of the earlier weeks as a multiple of what chance makes."""

    autocorrelation: float
    model: str
    version: str
    accuracy: PastScores | None
    """Of what the chart expected of earlier weeks; coverage is meant to be 90 %."""

    next_week: date
    next_interval: ConfidenceInterval
    """90 % of the next weeks lie within it if nothing has changed."""


@dataclass(frozen=True, slots=True)
class RiskAssessment:
    """All watched metrics."""

    risks: tuple[Risk, ...]
    """Those that are raised, the least likely by chance first."""

    watched: tuple[Risk, ...]
    """All that could be judged."""

    false_alarm_rate: float
    """Probability, at most, that a metric is raised in a given week though nothing has changed."""

    withheld: tuple[Mapping[str, str], ...]
    """Metrics that could not be judged, or not by all their past: ``figure`` and ``reason``."""

    filters: tuple[Filter, ...]
    as_of: datetime | None
    data_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return the assessment ready for JSON."""
        found: dict[str, Any] = to_json(asdict(self))
        return found | {"filters": [condition.to_dict() for condition in self.filters]}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per watched metric."""
        plain = (
            "metric",
            "is_raised",
            "severity",
            "value",
            "weighted",
            "expected",
            "since",
        )
        return pd.DataFrame(
            [
                {
                    **{name: getattr(risk, name) for name in plain},
                    "low": risk.interval.low,
                    "high": risk.interval.high,
                    "p_value": risk.p_value,
                }
                for risk in self.watched
            ]
        )

    def predictions(self) -> tuple[Prediction, ...]:
        """Return what the ledger keeps: what each chart expects of the next week."""
        return tuple(
            Prediction(
                model=risk.model,
                version=risk.version,
                target=risk.metric,
                filters=self.filters,
                start=risk.next_week,
                end=next_period(risk.next_week, "week"),
                horizon_days=7,
                value=risk.expected,
                low=risk.next_interval.low,
                high=risk.next_interval.high,
                level=risk.next_interval.level,
                accuracy={"baseline_weeks": risk.baseline_weeks, "dispersion": risk.dispersion},
                data_version=self.data_version,
            )
            for risk in self.watched
        )


def assess_risks(
    database: Database, filters: Sequence[Filter], organization: Callable[[str], UUID]
) -> RiskAssessment:
    """Return how the watched metrics stand; what cannot be judged yet is withheld.

    Args:
        database: Read under the analyst's login, in one snapshot.
        filters: Conditions, all of which must hold.
        organization: Gives the pseudonym of an organization's own id.

    Raises:
        InvalidInput: An unknown category.
    """
    named = name_organizations(filters, organization)
    watched: list[Risk] = []
    withheld: list[Mapping[str, str]] = []
    with database.connection("analyst") as connection, snapshot(connection):
        as_of = read_ground(connection, TimeRange(None, None)).as_of
        version = data_version(connection, as_of)
        row = connection.execute(sqlfiles.query("insight/newest_start")).fetchone()
        newest = row[0] if row else None
        for metric in METRICS_WATCHED:
            try:
                series = read_series(
                    connection,
                    metric,
                    named,
                    TimeRange(None, None),
                    "weekly",
                    organization,
                    maturity_days=database.config.maturity_days,
                )
                weeks = _settled_weeks(series, newest)
                if len(weeks) < WATCHED_WEEKS + BASELINE_WEEKS:
                    withheld.extend(left_out_past(series))
                watched.append(_judge(connection, series, weeks))
            except NotEnoughData as error:
                withheld.append({"figure": metric, "reason": str(error)})
    return RiskAssessment(
        risks=tuple(sorted((r for r in watched if r.is_raised), key=lambda risk: risk.p_value)),
        watched=tuple(watched),
        false_alarm_rate=LARGEST_FALSE_ALARM_RATE,
        withheld=tuple(withheld),
        filters=named,
        as_of=as_of,
        data_version=version,
    )


def _settled_weeks(series: MetricSeries, newest: datetime | None) -> list[SeriesPoint]:
    """Return the weeks that are watched.

    A batch may come long after its data end. What it does not tell of its last weeks would look
    like a fall, so completion counts until it could be known when the newest response started.
    """
    weeks = [point for point in whole_points(series) if point.is_mature]
    if newest is None or not series.metric.waits_for_completion:
        return weeks
    last = newest.astimezone(UTC).date() - timedelta(days=series.maturity_days)
    return [week for week in weeks if week.end <= last]


def _judge(
    connection: psycopg.Connection[Any], series: MetricSeries, mature: Sequence[SeriesPoint]
) -> Risk:
    metric = series.metric
    scale = 100.0 if metric.unit == "points" else 1.0
    weeks = [(p, p.value) for p in mature if p.value is not None]
    weeks = weeks[-WATCHED_WEEKS - BASELINE_WEEKS :]
    if not weeks:
        raise NotEnoughData("no week with cases is mature yet")
    trials = [point.sample_size for point, _ in weeks]
    hits = [round(value / scale * n) for (_, value), n in zip(weeks, trials, strict=True)]
    chart = watch_rate(hits, trials, WATCHED_WEEKS)
    alarms = chart.low_alarms if metric.is_higher_better else chart.high_alarms
    p_value = chart.p_low if metric.is_higher_better else chart.p_high
    evidence = _evidence(weeks[-WATCHED_WEEKS:], alarms)
    since = _since(evidence)
    return Risk(
        metric=metric.name,
        unit=metric.unit,
        is_raised=since is not None,
        severity=_severity(p_value, alarms),
        value=evidence[-1].value,
        expected=scale * chart.centre,
        weighted=scale * chart.weighted,
        interval=_interval(chart.low, chart.high, scale, 1 - 2 * FALSE_ALARM_RATE),
        since=since,
        p_value=p_value,
        evidence=evidence,
        baseline_weeks=chart.baseline,
        sample_size=sum(week.sample_size for week in evidence),
        dispersion=chart.dispersion,
        autocorrelation=chart.autocorrelation,
        model=MODEL,
        version=VERSION,
        accuracy=past_scores(connection, metric.name, series.filters, PERIOD_DAYS["week"], [MODEL]),
        next_week=mature[-1].end,
        next_interval=_interval(chart.next_low, chart.next_high, scale, _NEXT_LEVEL),
    )


def _interval(low: float, high: float, scale: float, level: float) -> ConfidenceInterval:
    return ConfidenceInterval(level, scale * low, scale * high, MODEL)


def _evidence(
    weeks: Sequence[tuple[SeriesPoint, float]], alarms: Sequence[bool]
) -> tuple[WatchedWeek, ...]:
    return tuple(
        WatchedWeek(point.start, value, point.sample_size, is_alarm)
        for (point, value), is_alarm in zip(weeks, alarms, strict=True)
    )


def _since(evidence: Sequence[WatchedWeek]) -> date | None:
    """Return the first week of the alarm that the newest week is in."""
    since = None
    for week in reversed(evidence):
        if not week.is_alarm:
            break
        since = week.start
    return since


def _severity(p_value: float, alarms: Sequence[bool]) -> Severity | None:
    if not alarms[-1]:
        return None
    lasts = all(alarms[-_LASTING_WEEKS:])
    return "high" if lasts or p_value < FALSE_ALARM_RATE / 10 else "medium"
