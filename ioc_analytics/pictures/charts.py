"""The charts; each takes plain figures and says in its docstring what a reader sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import altair as alt

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.pictures.theme import BLUE, DIVERGING, INK, LINE, ORANGE, QUIET, WIDTH

_ROW: Final = 52
"""Height of one row of a chart that has a row per name, in pixels."""

_DAYS_BY_NAME: Final = 120
"""Longest time axis that names days; beyond, months."""


@dataclass(frozen=True, slots=True)
class Violin:
    """A distribution: bins and their counts, and what is marked on it, in the score's unit."""

    name: str
    edges: Sequence[float]
    counts: Sequence[int]
    median: float
    low_quartile: float
    high_quartile: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One correlation; ``r`` is None where it may not or cannot be said."""

    row: str
    column: str
    r: float | None


@dataclass(frozen=True, slots=True)
class Band:
    """A figure of a period with its interval; None for an interval that does not exist."""

    series: str
    period: date
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """A figure and the limits that ordinary ones of its size lie within, in one unit."""

    name: str
    value: float
    target: float
    low: float
    high: float
    outer_low: float
    outer_high: float


@dataclass(frozen=True, slots=True)
class Range:
    """A figure and the range around it, in one unit; None where there is none."""

    name: str
    value: float
    low: float | None
    high: float | None


def distribution(violins: Sequence[Violin], unit: str) -> alt.TopLevelMixin:
    """Draw violins, one row each: width is share of people, the bar the middle half."""
    _demand(violins, "distribution")
    rows = [row for violin in violins for row in _outline(violin)]
    base = alt.Chart()
    body = base.mark_area(color=BLUE, opacity=0.35, interpolate="monotone").encode(
        x=alt.X("score:Q", title=unit),
        y=alt.Y("low:Q", axis=None, scale=alt.Scale(domain=[-1, 1])),
        y2="high:Q",
    )
    middle = base.mark_bar(color=BLUE, height=6).encode(
        x="low_quartile:Q", x2="high_quartile:Q", y=alt.datum(0)
    )
    median = base.mark_point(color=INK, filled=True, size=50, shape="diamond", opacity=1).encode(
        x="median:Q", y=alt.datum(0)
    )
    layers = alt.layer(body, middle, median, data=_data(rows)).properties(width=WIDTH, height=_ROW)
    return layers.facet(
        row=alt.Row(
            "name:N",
            sort=[violin.name for violin in violins],
            title=None,
            header=alt.Header(labelAngle=0, labelAlign="left"),
        ),
        spacing=2,
    )


def correlation_heatmap(cells: Sequence[Cell], names: Sequence[str]) -> alt.TopLevelMixin:
    """Draw correlations as a matrix with each r printed; blue negative, orange positive."""
    _demand(cells, "correlation heat map")
    rows = [
        {
            "row": c.row,
            "column": c.column,
            "r": c.r,
            "label": "–" if c.r is None else f"{c.r:.2f}",
        }
        for c in cells
    ]
    order = list(names)
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("column:N", sort=order, title=None, axis=alt.Axis(orient="top", labelAngle=-30)),
        y=alt.Y("row:N", sort=order, title=None),
    )
    scale = alt.Scale(domain=[-1, 0, 1], range=list(DIVERGING), interpolate="rgb")
    squares = base.mark_rect(stroke="white").encode(
        color=alt.Color("r:Q", scale=scale, title="r", legend=None)
    )
    is_dark = "abs(datum.r) > 0.7"
    labels = base.mark_text(fontSize=12).encode(
        text="label:N",
        color=alt.condition(is_dark, alt.value("white"), alt.value(INK)),
    )
    return alt.layer(squares, labels).properties(width=WIDTH * 0.8, height=44 * len(order))


def trend_with_band(bands: Sequence[Band], unit: str) -> alt.TopLevelMixin:
    """Draw a line per series over time, its intervals as a band; one row per series."""
    _demand(bands, "trend")
    rows = [
        {
            "series": b.series,
            "period": b.period.isoformat(),
            "value": b.value,
            "low": b.low,
            "high": b.high,
        }
        for b in bands
    ]
    periods = [b.period for b in bands]
    form = "%b %Y" if (max(periods) - min(periods)).days > _DAYS_BY_NAME else "%d %b"
    base = alt.Chart().encode(
        x=alt.X(
            "utcyearmonthdate(period):T",
            title=None,
            axis=alt.Axis(format=form, tickCount=6, labelOverlap=True),
        )
    )
    area = base.mark_area(color=BLUE, opacity=0.25).encode(
        y=alt.Y("low:Q", title=unit, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=3)),
        y2="high:Q",
    )
    line = base.mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE, size=24)).encode(
        y=alt.Y("value:Q", scale=alt.Scale(zero=False))
    )
    layers = alt.layer(area, line, data=_data(rows)).properties(width=WIDTH, height=80)
    chart: alt.TopLevelMixin = layers.facet(
        row=alt.Row(
            "series:N",
            sort=list(dict.fromkeys(b.series for b in bands)),
            title=None,
            header=alt.Header(labelAngle=0, labelAlign="left"),
        ),
        spacing=12,
    ).resolve_scale(y="independent")
    return chart


def benchmark_funnel(rows: Sequence[FunnelRow], unit: str) -> alt.TopLevelMixin:
    """Draw each figure as a diamond over its limits: dark 95 %, light 99.8 %, tick the target."""
    _demand(rows, "funnel")
    data = [
        {
            "name": r.name,
            "value": r.value,
            "target": r.target,
            "low": r.low,
            "high": r.high,
            "outer_low": r.outer_low,
            "outer_high": r.outer_high,
            "is_outside": not r.low <= r.value <= r.high,
        }
        for r in rows
    ]
    base = alt.Chart(_data(data)).encode(
        y=alt.Y("name:N", sort=[r.name for r in rows], title=None, axis=alt.Axis(grid=False))
    )
    outer = base.mark_bar(color=LINE, height=18).encode(
        x=alt.X("outer_low:Q", title=unit, scale=alt.Scale(zero=False)), x2="outer_high:Q"
    )
    inner = base.mark_bar(color=QUIET, opacity=0.5, height=18).encode(x="low:Q", x2="high:Q")
    target = base.mark_tick(color=INK, thickness=2, height=24).encode(x="target:Q")
    value = base.mark_point(filled=True, shape="diamond", size=90, opacity=1).encode(
        x="value:Q", color=alt.condition("datum.is_outside", alt.value(ORANGE), alt.value(BLUE))
    )
    return alt.layer(outer, inner, target, value).properties(
        width=WIDTH * 0.8, height=34 * len(rows)
    )


def figures_with_ranges(ranges: Sequence[Range], unit: str) -> alt.TopLevelMixin:
    """Draw each figure as a point with its range as a bar, one row each."""
    _demand(ranges, "range")
    data = [
        {"name": r.name, "value": r.value, "low": r.low, "high": r.high, "label": f"{r.value:,.1f}"}
        for r in ranges
    ]
    base = alt.Chart(_data(data)).encode(
        y=alt.Y("name:N", sort=[r.name for r in ranges], title=None)
    )
    bars = base.mark_bar(color=BLUE, opacity=0.3, height=12).encode(
        x=alt.X("low:Q", title=unit, scale=alt.Scale(zero=False, nice=True)), x2="high:Q"
    )
    points = base.mark_point(color=BLUE, filled=True, size=60, opacity=1).encode(x="value:Q")
    labels = base.mark_text(dy=-12, color=INK, fontSize=11).encode(x="value:Q", text="label:N")
    return alt.layer(bars, points, labels).properties(width=WIDTH * 0.8, height=34 * len(ranges))


def quality_bars(scores: Sequence[tuple[str, float]], unit: str) -> alt.TopLevelMixin:
    """Draw figures from 0 upward as bars with the figure printed beside each."""
    _demand(scores, "bars")
    data = [{"name": name, "value": value, "label": f"{value:,.1f}"} for name, value in scores]
    base = alt.Chart(_data(data)).encode(
        x=alt.X("value:Q", title=unit, scale=alt.Scale(domainMin=0)),
        y=alt.Y("name:N", sort=[name for name, _ in scores], title=None),
    )
    bars = base.mark_bar(color=BLUE, height=16)
    labels = base.mark_text(align="left", dx=5, color=INK).encode(text="label:N")
    return alt.layer(bars, labels).properties(width=WIDTH * 0.8, height=28 * len(scores))


def sparkline(values: Sequence[float]) -> alt.TopLevelMixin:
    """Draw a series as small as a word, its last value marked."""
    _demand(values, "sparkline")
    data = [{"at": at, "value": float(value)} for at, value in enumerate(values)]
    x = alt.X("at:Q", axis=None)
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(zero=False))
    line = alt.Chart(_data(data)).mark_line(color=BLUE, strokeWidth=1.5).encode(x=x, y=y)
    last = (
        alt.Chart(_data(data[-1:]))
        .mark_point(color=ORANGE, filled=True, opacity=1)
        .encode(x=x, y=y)
    )
    return alt.layer(line, last).properties(width=110, height=22)


def _outline(violin: Violin) -> list[dict[str, Any]]:
    highest = max(
        count / (end - start)
        for start, end, count in zip(
            violin.edges[:-1], violin.edges[1:], violin.counts, strict=True
        )
    )
    if highest == 0:
        raise NotEnoughData(f"a distribution needs counts, found none for {violin.name!r}")
    marks = {
        "name": violin.name,
        "median": violin.median,
        "low_quartile": violin.low_quartile,
        "high_quartile": violin.high_quartile,
    }
    middles = [(a + b) / 2 for a, b in zip(violin.edges[:-1], violin.edges[1:], strict=True)]
    heights = [
        count / (end - start) / highest
        for start, end, count in zip(
            violin.edges[:-1], violin.edges[1:], violin.counts, strict=True
        )
    ]
    points = [(violin.edges[0], 0.0), *zip(middles, heights, strict=True), (violin.edges[-1], 0.0)]
    return [{**marks, "score": x, "low": -0.9 * h, "high": 0.9 * h} for x, h in points]


def _data(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def _demand(rows: Sequence[Any], chart: str) -> None:
    if not rows:
        raise NotEnoughData(f"a {chart} needs at least one figure, found none")
