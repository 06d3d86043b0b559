"""One look for every picture.

Colours of categories are Okabe and Ito's (2008), which the common forms of colour blindness keep
apart; the diverging scale runs from their blue through white to their vermillion.
"""

from collections.abc import Mapping
from typing import Any, Final

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
INK: Final = "#24292f"
QUIET: Final = "#6b7280"
LINE: Final = "#d9dde3"
DIVERGING: Final = (BLUE, "#ffffff", ORANGE)
PALETTE: Final = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK)

WIDTH: Final = 520
"""Width of a picture's plot, in pixels; what a phone and an A4 page hold after scaling."""

CONFIG: Final[Mapping[str, Any]] = {
    "background": "white",
    "font": "Helvetica, Arial, sans-serif",
    "view": {"stroke": None},
    "range": {"category": list(PALETTE)},
    "axis": {
        "labelColor": INK,
        "labelFontSize": 12,
        "titleColor": QUIET,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
    },
    "header": {"labelColor": INK, "labelFontSize": 12},
    "legend": {"labelColor": INK, "labelFontSize": 12, "titleColor": QUIET},
}
"""Vega-Lite's ``config``."""
