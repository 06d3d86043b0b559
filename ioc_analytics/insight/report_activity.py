"""Sections of a report about activity and quality: metrics and their trends.

For: ``insight.report_sections``, which knows their order. Not for: the traits, or what is judged
about them (``insight.report_checks``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from ioc_analytics.insight.metrics import MetricAnalysis, measure_metric
from ioc_analytics.insight.report_pieces import (
    Picture,
    Question,
    Section,
    Table,
    dated,
    number,
    p_value,
    since,
)
from ioc_analytics.insight.trends import TrendAnalysis, TrendPoint, analyze_trends
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData, OutOfReach
from ioc_analytics.pictures import Band, Range, figures_with_ranges, trend_with_band
from ioc_analytics.records.metrics import METRICS
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics.intervals import ConfidenceInterval, wilson_interval

_MEASURED: Final = tuple(name for name in METRICS if name not in TRAITS)
"""The traits have sections of their own."""

_FOLLOWED: Final = ("response_volume", "completion_rate", "careless_rate", "ai_agreement_rate")
"""Metrics whose trends a report shows."""

_STEP: Final = "weekly"
"""A trend needs many periods: weeks give the most of them without a weekly season."""

T = TypeVar("T")

_Withheld = list[Mapping[str, str]]


def metrics(name: str, title: str, question: Question) -> Section:
    """Lay out every metric with n, interval and design effect."""
    q = question
    withheld: _Withheld = []
    found = _each(
        _MEASURED,
        lambda metric: measure_metric(
            q.connection,
            metric,
            q.filters,
            q.time_range,
            q.organization,
            maturity_days=q.maturity_days,
        ),
        withheld,
    )
    # Assessments may have been set up although nobody answered yet: that makes no report.
    if not any(one.sample_size for one in found if one.unit != "assessments"):
        raise NotEnoughData("0 responses in this range; ask for a longer range or fewer filters")
    rows = tuple(
        (
            one.metric.replace("_", " "),
            _worded(one.value, one.unit),
            _span(one.confidence, one.unit),
            f"{one.sample_size:,}",
            number(one.design_effect, 2),
        )
        for one in found
    )
    withheld += [
        {**entry, "figure": f"{one.metric}.{entry['figure']}"}
        for one in found
        for entry in one.withheld
    ]
    columns = ("metric", "value", "95 % interval", "n", "design effect")
    note = f"{dated(found[0].as_of)}; each row has its n"
    return Section(
        name,
        title,
        note,
        _shares(found, note),
        (Table(f"Metrics. {note}.", columns, rows),),
        remarks=tuple(f"{one.metric.replace('_', ' ')}: {one.meaning}" for one in found),
        withheld=tuple(withheld),
        figures={one.metric: one.to_dict() for one in found},
    )


def _shares(found: Sequence[MetricAnalysis], note: str) -> tuple[Picture, ...]:
    ranges = [
        Range(
            one.metric.replace("_", " "),
            100 * one.value,
            None if one.confidence is None else 100 * one.confidence.low,
            None if one.confidence is None else 100 * one.confidence.high,
        )
        for one in found
        if one.unit == "share"
    ]
    if not ranges:
        return ()
    caption = f"Shares in percent with 95 % intervals. {note} in the table."
    return (Picture(caption, figures_with_ranges(ranges, "percent")),)


def trends(name: str, title: str, question: Question) -> Section:
    """Lay out the weekly trends of activity and quality."""
    q = question
    withheld: _Withheld = []
    found = _each(
        _FOLLOWED,
        lambda metric: analyze_trends(
            q.connection,
            metric,
            q.filters,
            q.history_range,
            _STEP,
            q.organization,
            maturity_days=q.maturity_days,
        ),
        withheld,
    )
    rows = tuple(
        (
            one.metric.replace("_", " "),
            one.trend,
            _slope(one.slope, one.unit),
            _span(one.slope_interval, one.unit, 2),
            p_value(one.significance),
            f"{one.sample_size:,}",
            ", ".join(f"{point.start:%Y-%m-%d}" for point in one.change_points) or "–",
            ", ".join(f"{odd.start:%Y-%m-%d}" for odd in one.anomalies) or "–",
        )
        for one in found
    )
    withheld += [
        {**entry, "figure": f"{one.metric}.{entry['figure']}"}
        for one in found
        for entry in one.withheld
    ]
    columns = (
        "metric",
        "trend",
        "per week",
        "95 % interval",
        "p",
        "n, weeks",
        "jumps",
        "odd weeks",
    )
    note = f"weekly {since(q.history_range)}; {dated(found[0].as_of)}; n is weeks that were judged"
    return Section(
        name,
        title,
        note,
        tuple(_courses(found, note)),
        (Table(f"Trends. {note}.", columns, rows),),
        remarks=("the newest weeks are left out as long as their responses can be completed",),
        withheld=tuple(withheld),
        figures={one.metric: one.to_dict() for one in found},
    )


def _courses(found: Sequence[TrendAnalysis], note: str) -> list[Picture]:
    pictures = []
    for unit, shown, what in (
        ("share", "percent", "Shares, with 95 % intervals of each week as bands"),
        ("responses", "responses", "Counts of each week"),
    ):
        bands = [
            _band(one, point, point.value)
            for one in found
            if one.unit == unit
            for point in one.points
            if point.is_mature and point.value is not None
        ]
        if bands:
            pictures.append(Picture(f"{what}. {note}.", trend_with_band(bands, shown)))
    return pictures


def _band(trend: TrendAnalysis, point: TrendPoint, value: float) -> Band:
    series = trend.metric.replace("_", " ")
    if trend.unit != "share":
        return Band(series, point.start, value, None, None)
    n = point.sample_size
    bounds = wilson_interval(round(value * n), n)
    return Band(series, point.start, 100 * value, 100 * bounds.low, 100 * bounds.high)


def _each(names: Sequence[str], ask: Callable[[str], T], withheld: _Withheld) -> list[T]:
    """Ask for each name; what cannot be had stands in ``withheld``."""
    found = []
    kind: type[NotEnoughData | OutOfReach] = NotEnoughData
    for name in names:
        try:
            found.append(ask(name))
        except (NotEnoughData, InvalidInput) as reason:
            withheld.append({"figure": name, "reason": str(reason)})
            kind = OutOfReach if isinstance(reason, OutOfReach) else kind
    if not found:
        raise kind("; ".join(entry["reason"] for entry in withheld))
    return found


def _worded(value: float | None, unit: str, digits: int = 1) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:.{digits}f} %"
    is_count = unit in ("responses", "assessments") and float(value).is_integer()
    return f"{value:,.0f}" if is_count else f"{value:,.{digits}f} {unit}"


def _slope(slope: float | None, unit: str) -> str:
    if slope is None:
        return "–"
    return f"{100 * slope:+.2f} % points" if unit == "share" else f"{slope:+,.2f} {unit}"


def _span(interval: ConfidenceInterval | None, unit: str, digits: int = 1) -> str:
    if interval is None:
        return "–"
    scale = 100 if unit == "share" else 1
    return f"{scale * interval.low:,.{digits}f} to {scale * interval.high:,.{digits}f}"
