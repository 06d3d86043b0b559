"""Pictures show the figures given, stay small, and need nothing from outside."""

import json
from datetime import date

import altair as alt
import pytest

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.pictures import (
    Band,
    Cell,
    FunnelRow,
    Violin,
    benchmark_funnel,
    correlation_heatmap,
    distribution,
    quality_bars,
    sparkline,
    to_data_uri,
    to_png,
    to_spec,
    to_svg,
    trend_with_band,
)

CHARTS: dict[str, alt.TopLevelMixin] = {
    "distribution": distribution(
        [
            Violin("openness", (0, 20, 40, 60, 80, 100), (1, 9, 30, 12, 2), 52.5, 43.0, 61.0),
            Violin("neuroticism", (0, 20, 40, 60, 80, 100), (9, 12, 10, 3, 0), 31.5, 20.0, 42.0),
        ],
        "points",
    ),
    "heatmap": correlation_heatmap(
        [
            Cell("a", "a", 1.0),
            Cell("a", "b", -0.31),
            Cell("b", "a", -0.31),
            Cell("b", "b", None),
        ],
        ["a", "b"],
    ),
    "trend": trend_with_band(
        [
            Band("openness", date(2026, month, 1), 50 + month, 48 + month, 52 + month)
            for month in range(1, 7)
        ]
        + [Band("openness", date(2026, 7, 1), 57.25, None, None)],
        "points",
    ),
    "funnel": benchmark_funnel(
        [FunnelRow("completion rate", 0.7125, 0.8, 0.75, 0.85, 0.7, 0.9)], "share"
    ),
    "bars": quality_bars([("data quality", 98.76), ("freshness", 100.0)], "percent"),
    "sparkline": sparkline([1, 4, 2.5]),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_picture_is_drawn_small_and_complete(name: str) -> None:
    svg, png = to_svg(CHARTS[name]), to_png(CHARTS[name])
    assert svg.startswith("<svg") and "NaN" not in svg and "undefined" not in svg
    assert png.startswith(b"\x89PNG") and len(png) < 100_000
    assert len(to_data_uri(CHARTS[name])) < 100_000
    assert svg.count("<path") >= 2


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("distribution", ["openness", "neuroticism", "points"]),
        ("heatmap", ["-0.31", "1.00", "–"]),
        ("trend", ["openness", "points"]),
        ("funnel", ["completion rate", "share"]),
        ("bars", ["98.8", "100.0", "data quality"]),
    ],
)
def test_a_picture_prints_its_names_and_figures(name: str, texts: list[str]) -> None:
    svg = to_svg(CHARTS[name])
    assert all(f">{text}<" in svg for text in texts)


def test_a_figure_outside_its_limits_stands_out() -> None:
    spec = to_spec(CHARTS["funnel"])
    assert '"is_outside": true' in json.dumps(spec)


def test_a_specification_carries_theme_and_data() -> None:
    spec = to_spec(CHARTS["bars"])
    assert spec["config"]["range"]["category"][0] == "#0072B2"
    assert "98.76" in str(spec)


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(NotEnoughData):
        sparkline([])
    with pytest.raises(NotEnoughData):
        distribution([Violin("openness", (0, 1), (0,), 0, 0, 0)], "points")
