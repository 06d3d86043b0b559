"""Sparklines are short enough to be shown inline, whatever they draw."""

import base64
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.pictures.sparklines import MOST_POINTS, sparkline

VALUES = st.lists(st.tuples(st.floats(-1e12, 1e12), st.booleans()), min_size=1, max_size=100)


@given(VALUES)
def test_any_course_is_a_short_image(course: list[tuple[float, bool]]) -> None:
    address = sparkline([value for value, _ in course], [flag for _, flag in course])
    assert len(address) < 900
    kind, _, content = address.partition(",")
    assert kind == "data:image/svg+xml;base64"
    drawing = ElementTree.fromstring(base64.b64decode(content))  # noqa: S314 - drawn here
    (line,) = drawing.findall("{*}polyline")
    points = [tuple(map(int, point.split(","))) for point in line.attrib["points"].split()]
    assert len(points) == min(len(course), MOST_POINTS)
    assert all(0 <= x <= 120 and 0 <= y <= 24 for x, y in points)
    marked = sum(flag for _, flag in course[-MOST_POINTS:])
    assert len(drawing.findall("{*}circle")) == min(marked, 5)
