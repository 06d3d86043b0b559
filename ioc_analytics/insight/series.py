"""One metric over time: a point for every period of a range, empty periods included.

For: trends, forecasts, reports. Not for: judging the series (``insight.trends``), or the five
traits' distributions over time (``insight.longitudinal``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from ioc_analytics.insight.refusals import nothing_passes
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.metrics import METRICS, Metric
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.organizations import (
    By,
    OrganizationSums,
    read_organization_series,
    read_time_series,
)
from ioc_analytics.states.reading import Ground, Source, read_ground, snapshot
from ioc_analytics.states.rebuild import midnight
from ioc_analytics.states.selection import Selection, select
from ioc_analytics.statistics.distributions import percentiles

INTERVALS: Final[Mapping[str, By]] = {
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
}
"""Intervals, and what they are called where states are read; weeks begin on Monday."""

_ASSESSMENT_FIELDS: Final = frozenset(
    {"industry_category", "org_size_category", "region", "assessment_type", "instrument"}
)
_TRAIT_CENTRE: Final = 50.0
"""Sums of scores are kept less this."""

_RATES: Final = {
    "completion_rate": ("completed", "started"),
    "abandonment_rate": ("abandoned", "started"),
    "data_quality_score": ("whole", "completed"),
    "ai_agreement_rate": ("agreed", "validated"),
    "careless_rate": ("careless", "completed"),
}

_Figures = dict[date, tuple[float | None, int]]
"""Value and number of cases by the first day of the period."""


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """A metric in one period."""

    start: date
    """First day of the period; it may lie before the range that was asked for."""

    end: date
    """Day after its last."""

    value: float | None
    """In the metric's unit; None: the period has no cases. Counts are then 0."""

    sample_size: int
    """Cases behind the value: trials of a rate, values of a mean or median, or the count."""

    is_mature: bool
    """False: the range or the newest batch cuts the period, or its responses can still be
    completed; the value is no full one then.
    """


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """A metric over time, without gaps between the first and the last period."""

    metric: Metric
    interval: str
    points: tuple[SeriesPoint, ...]
    """Ascending, at least one."""

    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None
    """When the newest batch was loaded; None: there is none."""

    source: Source | None
    """Where the sums came from; None: assessments and medians have none."""

    undecided: int
    """Responses of sealed small organizations that are left out: no day has them, or the filters
    may or may not mean them.
    """

    whole_from: date | None
    """Day after the newest sealed month, if responses are undecided: earlier values lack them."""

    unjudged: int
    """Responses sealed before whole responses and AI pairs were counted; they are in neither."""

    maturity_days: int
    """Days that a response has to be completed before its period counts, if the metric waits."""


def read_series(
    connection: psycopg.Connection[Any],
    metric_name: str,
    filters: Sequence[Filter],
    time_range: TimeRange,
    interval: str,
    organization: Callable[[str], UUID],
    *,
    maturity_days: int,
) -> MetricSeries:
    """Return a metric period by period, in one snapshot.

    The series runs over the range, where it has ends, and else from the first to the last period
    with cases; never beyond the newest batch, because nothing is known of later days.

    Args:
        connection: A connection of the analyst's role.
        metric_name: One of ``records.metrics.METRICS``.
        filters: Conditions, all of which must hold.
        time_range: Start times of the responses, or days on which assessments were set up.
        interval: ``daily``, ``weekly``, ``monthly`` or ``quarterly``.
        organization: Gives the pseudonym of an organization's own id.
        maturity_days: Days that a response has to be completed before its period counts, for
            metrics that wait.

    Raises:
        InvalidInput: Unknown metric, interval or category, a filter that assessments do not know,
            or only rows that are gone could answer.
        NotEnoughData: No case in the range.
    """
    metric, by = parse_metric(metric_name), parse_interval(interval)
    source, undecided, unjudged = None, 0, 0
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        selection = select(filters, ground.catalogue.categories, organization)
        if metric.name == "assessment_volume":
            figures = _count_assessments(connection, selection, time_range, by)
        elif metric.kind == "median":
            figures = _medians(connection, selection, ground, by)
        else:
            sums = read_organization_series(connection, selection, ground, by)
            source, undecided, unjudged = sums.source, sums.undecided, sums.unjudged
            figures = _figures(metric, sums)
    if not any(size for _, size in figures.values()):
        raise nothing_passes(f"cases of {metric.name}")
    wait = timedelta(days=maturity_days if metric.waits_for_completion else 0)
    points = _fill(metric, by, figures, time_range, ground.as_of, wait)
    sealed = ground.periods.sealed_months
    whole_from = next_period(max(sealed), "month") if undecided and sealed else None
    return MetricSeries(
        metric, interval, points, tuple(filters), time_range, ground.as_of, source, undecided,
        whole_from, unjudged, maturity_days,
    )  # fmt: skip


def whole_points(series: MetricSeries) -> tuple[SeriesPoint, ...]:
    """Return the points that no undecided response is missing from: what may be learnt from.

    Sealing leaves small organizations out of days and weeks, so that earlier values are lower, or
    of larger organizations alone: a level that only seems to change.
    """
    first = series.whole_from
    return tuple(p for p in series.points if first is None or p.start >= first)


def left_out_past(series: MetricSeries) -> tuple[dict[str, str], ...]:
    """Return what is withheld from those who learn from ``whole_points`` alone, and why."""
    if series.whole_from is None:
        return ()
    return (
        {
            "figure": f"{series.metric.name} before {series.whole_from}",
            "reason": f"{series.undecided:,} responses of small organizations of sealed months are "
            "missing there; nothing is learnt from those months",
        },
    )


def parse_metric(name: str) -> Metric:
    """Return the metric of a name.

    Raises:
        InvalidInput: There is none; the nearest one is named.
    """
    if name not in METRICS:
        raise InvalidInput(
            f"unknown metric {name!r}{did_you_mean(str(name), METRICS)}; "
            f"metrics are {', '.join(METRICS)}"
        )
    return METRICS[name]


def parse_interval(interval: str) -> By:
    """Return what states call an interval.

    Raises:
        InvalidInput: It is unknown; the nearest one is named.
    """
    if interval not in INTERVALS:
        raise InvalidInput(
            f"unknown interval {interval!r}{did_you_mean(str(interval), INTERVALS)}; "
            f"intervals are {', '.join(INTERVALS)}"
        )
    return INTERVALS[interval]


def period_of(day: date, by: By) -> date:
    """Return the first day of the period that a day lies in."""
    if by == "day":
        return day
    if by == "week":
        return day - timedelta(days=day.weekday())
    month = (day.month - 1) // 3 * 3 + 1 if by == "quarter" else day.month
    return date(day.year, month, 1)


def next_period(start: date, by: By) -> date:
    """Return the first day of the period after the one that begins at ``start``."""
    days = {"day": 1, "week": 7, "month": 31, "quarter": 92}[by]
    return period_of(start + timedelta(days=days), by)


def _count_assessments(
    connection: psycopg.Connection[Any], selection: Selection, time_range: TimeRange, by: By
) -> _Figures:
    unknown = set(selection.allowed) - _ASSESSMENT_FIELDS
    if selection.is_careless is not None:
        unknown.add("is_careless")
    if unknown:
        known = ", ".join(sorted(_ASSESSMENT_FIELDS | {"org_hash"}))
        raise InvalidInput(
            f"assessments are not known by {', '.join(sorted(unknown))}, only responses are; "
            f"filter assessment_volume by {known}"
        )
    allowed = {
        name: None if (words := selection.allowed.get(name)) is None else sorted(words)
        for name in _ASSESSMENT_FIELDS
    }
    kept, left_out = selection.organizations, selection.other_organizations
    rows = connection.execute(
        sqlfiles.query("insight/assessment_series"),
        {
            "by": by,
            "start": time_range.start,
            "end": time_range.end,
            "organizations": None if kept is None else sorted(kept),
            "other_organizations": None if left_out is None else sorted(left_out),
            **allowed,
        },
    )
    return {period: (float(n), int(n)) for period, n in rows}


def _medians(
    connection: psycopg.Connection[Any], selection: Selection, ground: Ground, by: By
) -> _Figures:
    series = read_time_series(connection, selection, ground, by)
    return {
        period: (float(percentiles(seconds, counts, (50,))[0]), int(counts.sum()))
        for period, (seconds, counts) in series.items()
        if len(seconds)
    }


def _figures(metric: Metric, sums: OrganizationSums) -> _Figures:
    periods: list[date] = sums.periods.tolist()
    if metric.name in _RATES:
        top, bottom = (getattr(sums, name) for name in _RATES[metric.name])
        scale, shift = 100.0 if metric.unit == "points" else 1.0, 0.0
    elif metric.name in TRAITS:
        at = TRAITS.index(metric.name)
        top, bottom, scale, shift = sums.trait_sum[:, at], sums.trait_n[:, at], 1.0, _TRAIT_CENTRE
    elif metric.kind == "mean":
        top, bottom, scale, shift = sums.time_sum, sums.timed, 1.0, 0.0
    else:
        counts = sums.started.tolist()
        return {period: (float(n), n) for period, n in zip(periods, counts, strict=True)}
    found: _Figures = {}
    for period, total, n in zip(periods, top.tolist(), bottom.tolist(), strict=True):
        # Months sealed before whole responses were counted say none, which is not so.
        is_unknown = metric.name == "data_quality_score" and sums.unjudged > 0 and total == 0
        if n and not is_unknown:
            found[period] = (shift + scale * total / n, n)
    return found


def _fill(
    metric: Metric,
    by: By,
    figures: _Figures,
    time_range: TimeRange,
    as_of: datetime | None,
    wait: timedelta,
) -> tuple[SeriesPoint, ...]:
    """Return a point for each period, and whether it may be judged."""
    known_until = as_of or midnight(next_period(max(figures), by))
    first = period_of(time_range.start.date(), by) if time_range.start else min(figures)
    stop = midnight(next_period(max(figures), by))
    if time_range.end is not None:
        stop = max(stop, min(time_range.end, known_until))
    empty = (0.0, 0) if metric.kind == "count" else (None, 0)
    points = []
    period = first
    while midnight(period) < stop:
        end = next_period(period, by)
        is_cut = (time_range.start is not None and midnight(period) < time_range.start) or (
            time_range.end is not None and time_range.end < midnight(end)
        )
        value, size = figures.get(period, empty)
        is_mature = not is_cut and midnight(end) + wait <= known_until
        points.append(SeriesPoint(period, end, value, size, is_mature))
        period = end
    return tuple(points)
