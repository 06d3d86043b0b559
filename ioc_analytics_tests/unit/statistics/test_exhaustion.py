"""Dates of exhaustion: exact on a line, wide in noise, none without growth or history."""

import json
import math
from datetime import date, timedelta
from pathlib import Path

import pytest

from ioc_analytics.statistics.exhaustion import FEWEST_DAYS, exhaustion, extend_line

START = date(2026, 1, 1)


def days(count: int) -> list[date]:
    return [START + timedelta(days=number) for number in range(count)]


def test_a_straight_line_is_followed_to_its_end() -> None:
    found = exhaustion(days(21), [40 + number for number in range(21)], 100)
    assert found is not None
    assert found.slope_per_day == pytest.approx(1)
    assert found.expected == START + timedelta(days=60)
    assert found.earliest == found.latest == found.expected


def test_days_without_a_figure_are_no_days_of_growth() -> None:
    some = days(60)[::3]
    found = exhaustion(some, [40 + (day - START).days / 2 for day in some], 100)
    assert found is not None
    assert abs((found.expected - (START + timedelta(days=120))).days) <= 1


def test_interval_and_extension_are_those_of_r() -> None:
    expected = json.loads((Path(__file__).parent / "reference" / "lines.json").read_text())
    for one in expected:
        found = exhaustion(days(len(one["values"])), one["values"], one["end"])
        assert found is not None
        assert found.slope_per_day == pytest.approx(one["slope"], rel=1e-9)
        assert found.expected == START + timedelta(days=one["expected"])
        assert found.earliest == START + timedelta(days=one["earliest"])
        assert found.latest == START + timedelta(days=math.ceil(one["latest"]))
        for ahead, level, value, low, high in one["extensions"]:
            said, interval = extend_line(days(len(one["values"])), one["values"], ahead, level)
            assert [said, interval.low, interval.high] == pytest.approx(
                [value, low, high], rel=1e-9
            )


@pytest.mark.parametrize(
    ("count", "slope"), [(FEWEST_DAYS - 1, 1.0), (30, 0.0), (30, -1.0), (30, 0.001)]
)
def test_without_history_or_growth_there_is_no_date(count: int, slope: float) -> None:
    assert exhaustion(days(count), [50 + slope * number for number in range(count)], 100) is None
