"""A chart as a specification, SVG or PNG, in the theme; nothing is fetched from anywhere."""

import base64
from typing import Any

import altair as alt
import vl_convert

from ioc_analytics.pictures.theme import CONFIG


def to_spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Return the Vega-Lite specification, its data and the theme within."""
    spec: dict[str, Any] = chart.to_dict()
    return {**spec, "config": dict(CONFIG)}


def to_svg(chart: alt.TopLevelMixin) -> str:
    """Return the picture as SVG text that can stand in HTML."""
    return str(vl_convert.vegalite_to_svg(to_spec(chart), allowed_base_urls=[]))


def to_png(chart: alt.TopLevelMixin, scale: float = 1.0) -> bytes:
    """Return the picture as PNG.

    Args:
        chart: A chart of this room.
        scale: Pixels of the picture per pixel of the chart.
    """
    return bytes(vl_convert.vegalite_to_png(to_spec(chart), scale=scale, allowed_base_urls=[]))


def to_data_uri(chart: alt.TopLevelMixin) -> str:
    """Return the picture as an SVG data URI, such as Markdown and Dagster's metadata show."""
    return "data:image/svg+xml;base64," + base64.b64encode(to_svg(chart).encode()).decode()
