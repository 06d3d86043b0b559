"""Ranges mean what is said, whatever the zones of their ends, or are refused."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.filters import TimeRange

offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.datetimes(timezones=st.none() | offsets)


def in_utc(moment: datetime) -> datetime:
    """Return the moment that is meant: a naive one is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.replace(tzinfo=UTC) - (aware.utcoffset() or timedelta())


@given(moments, moments)
def test_mixed_zones_mean_the_moments_that_they_name(start: datetime, end: datetime) -> None:
    try:
        expected = (in_utc(start), in_utc(end))
    except OverflowError:
        with pytest.raises(InvalidInput):
            TimeRange(start, end)
        return
    for given_as in ((start, end), (start.isoformat(), end.isoformat())):
        if expected[0] >= expected[1]:
            with pytest.raises(InvalidInput, match="is empty|ends before it starts"):
                TimeRange.parse({"start": given_as[0], "end": given_as[1]})
        else:
            found = TimeRange.parse({"start": given_as[0], "end": given_as[1]})
            assert (found.start, found.end) == expected


def test_a_naive_start_and_an_end_with_an_offset() -> None:
    found = TimeRange.parse({"start": "2025-01-01T00:00", "end": "2025-01-01T02:30+02:00"})
    assert found.end is not None
    assert found.end - datetime(2025, 1, 1, tzinfo=UTC) == timedelta(minutes=30)
    # 01:00 in Berlin is 00:00 UTC: nothing lies between.
    with pytest.raises(InvalidInput, match="is empty"):
        TimeRange.parse({"start": "2025-01-01T00:00", "end": "2025-01-01T01:00+01:00"})


def test_a_date_is_the_beginning_of_its_utc_day() -> None:
    found = TimeRange(date(2025, 1, 1), date(2025, 1, 2))  # type: ignore[arg-type]
    assert found.start == datetime(2025, 1, 1, tzinfo=UTC)
    assert found.end == datetime(2025, 1, 2, tzinfo=UTC)
