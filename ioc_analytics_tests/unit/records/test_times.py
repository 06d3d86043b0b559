"""Times in the forms in which survey tools write them."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.times import from_epoch, from_excel, from_parts, read_format, read_iso


@pytest.mark.parametrize(
    ("text", "time_format", "expected"),
    [
        ("27-08-2014 11:29", "%d-%m-%Y %H:%M", datetime(2014, 8, 27, 11, 29, tzinfo=UTC)),
        ("8/27/14 1:05 PM", "%m/%d/%y %I:%M %p", datetime(2014, 8, 27, 13, 5, tzinfo=UTC)),
        ("12:30 AM 1/2/2024", "%I:%M %p %d/%m/%Y", datetime(2024, 2, 1, 0, 30, tzinfo=UTC)),
        (
            "2024.05.06 07:08:09.000005",
            "%Y.%m.%d %H:%M:%S.%f",
            datetime(2024, 5, 6, 7, 8, 9, 5, tzinfo=UTC),
        ),
        ("2024-05-06 07:00 +0200", "%Y-%m-%d %H:%M %z", datetime(2024, 5, 6, 5, tzinfo=UTC)),
        ("1/3/99", "%d/%m/%y", datetime(1999, 3, 1, tzinfo=UTC)),
    ],
)
def test_formats(text: str, time_format: str, expected: datetime) -> None:
    times, bad = read_format(pa.array([text, None]), time_format)
    assert times.to_pylist() == [expected, None]
    assert not bad.any()


@pytest.mark.parametrize("text", ["30-02-2014 10:00", "2014-08-27", "27-08-2014 24:00", "", "x"])
def test_what_does_not_fit_a_format_is_bad(text: str) -> None:
    times, bad = read_format(pa.array([text]), "%d-%m-%Y %H:%M")
    assert times.to_pylist() == [None]
    assert bad.tolist() == [True]


@pytest.mark.parametrize(
    ("time_format", "message"),
    [("%d.%m %H:%M", "year"), ("%Y-%m-%d %Q", "%Q"), ("%Y-%m-%d %Y", "twice")],
)
def test_formats_that_cannot_work_are_refused(time_format: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_format(pa.array(["x"]), time_format)


def test_zones_may_be_mixed() -> None:
    texts = ["2024-01-01T10:00:00Z", "2024-01-01 10:00", "2024-01-01T10:00+05:30", "no", None]
    times, bad = read_iso(pa.array(texts))
    hours = [time and (time.hour, time.minute) for time in times.to_pylist()]
    assert hours == [(10, 0), (10, 0), (4, 30), None, None]
    assert bad.tolist() == [False, False, False, True, False]


def test_numbers_as_times() -> None:
    times, bad = from_epoch(pa.array([0, 1.5, None, 1e30]))
    assert times.to_pylist()[:3] == [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC),
        None,
    ]
    assert bad.tolist() == [False, False, False, True]
    times, _ = from_excel(pa.array([42736.5]))
    assert times.to_pylist() == [datetime(2017, 1, 1, 12, tzinfo=UTC)]


def test_parts() -> None:
    parts = {"year": pa.array([2001, 2001, None]), "month": pa.array([2, 13, 1])}
    times, bad = from_parts(parts)
    assert times.to_pylist() == [datetime(2001, 2, 1, tzinfo=UTC), None, None]
    assert bad.tolist() == [False, True, False]
