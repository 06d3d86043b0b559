"""Sparklines: a course in a picture as small as a word, as the text of an image's address.

For: pages that show pictures inline only while their text is short. Not for: charts (``charts``).
"""

import base64
from collections.abc import Sequence
from typing import Final

MOST_POINTS: Final = 30
"""Points that are drawn, the newest ones: more would not fit into a short text."""

_WIDTH: Final = 120
_HEIGHT: Final = 24
_MARGIN: Final = 3


def sparkline(values: Sequence[float], marked: Sequence[bool] = ()) -> str:
    """Return a course as an SVG image, a ``data:`` address of less than 900 characters.

    Args:
        values: At least one value, the oldest first; drawn between their minimum and maximum.
        marked: Of each value whether it gets a red dot; the newest five such are shown.

    Example:
        >>> len(sparkline([1.0, 3.0, 2.0])) < 900
        True
    """
    shown = list(values)[-MOST_POINTS:]
    low, span = min(shown), (max(shown) - min(shown)) or 1.0
    step = (_WIDTH - 2 * _MARGIN) / max(len(shown) - 1, 1)
    points = [
        (
            round(_MARGIN + at * step),
            round(_HEIGHT - _MARGIN - (value - low) / span * (_HEIGHT - 2 * _MARGIN)),
        )
        for at, value in enumerate(shown)
    ]
    line = " ".join(f"{x},{y}" for x, y in points)
    flags = list(marked)[-MOST_POINTS:]
    faults = [point for point, flag in zip(points, flags, strict=False) if flag][-5:]
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2" fill="#c33"/>' for x, y in faults)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">'
        f'<polyline points="{line}" fill="none" stroke="#36a"/>{dots}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()
