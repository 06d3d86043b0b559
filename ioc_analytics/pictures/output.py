"""A chart as a specification, SVG or PNG, in the theme; nothing is fetched from anywhere."""

import base64
import re
from typing import Any, Final

import altair as alt
import vl_convert

from ioc_analytics.pictures.theme import CONFIG

_FOR_PAGES: Final = re.compile(r' (?:aria-\w+|role|class|pointer-events)="[^"]*"')
_DIGITS: Final = re.compile(r"(\d\.\d\d)\d+")


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
    """Return the picture as an SVG data URI, such as Markdown and Dagster's metadata show.

    What an image cannot use is left out, which halves it: words for screen readers (the image has
    its own text) and hundredths of a pixel.
    """
    svg = _DIGITS.sub(r"\1", _FOR_PAGES.sub("", to_svg(chart)))
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
