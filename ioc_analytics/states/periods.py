"""Which part of a range is read from months, which from days, and which from rows.

For: ``states.reading``. Not for: what is read.

The coarsest level that fits: whole clean months, then clean days, then rows for touched days and
for days that the range cuts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.states.rebuild import adjacent_days, midnight, next_month

_FIRST: Final = date(1970, 1, 1)
_LAST: Final = date(9000, 1, 1)

Run = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Periods:
    """A range of time, cut into levels."""

    day_start: date
    day_end: date
    """Whole days within the range, half-open."""

    month_start: date
    month_end: date
    """Whole months within the range, half-open; equal to ``day_end`` when there is none."""

    touched_days: tuple[date, ...]
    """Days within the range whose states are behind their rows."""

    sealed_months: tuple[date, ...]
    """Sealed months that the range touches."""

    row_runs: tuple[Run, ...]
    """What is read from rows: touched days, and days that the range cuts."""

    @property
    def touched_months(self) -> tuple[date, ...]:
        """Months that are read by days, because one of their days is touched."""
        return tuple(sorted({day.replace(day=1) for day in self.touched_days}))

    def parameters(self) -> dict[str, Any]:
        """Return the levels as parameters of the statements on states."""
        return {
            "day_start": self.day_start,
            "day_end": self.day_end,
            "month_start": self.month_start,
            "month_end": self.month_end,
            "touched_days": list(self.touched_days),
            "touched_months": list(self.touched_months),
        }


def days_touched_by(wanted: TimeRange) -> tuple[date, date]:
    """Return the first day of a range and the day after its last, whole or not."""
    start, end = _limits(wanted)
    return start.date(), _day_after(end)


def cut_periods(wanted: TimeRange, marked: Sequence[date], sealed: Sequence[date]) -> Periods:
    """Cut a range into months, days and rows.

    Args:
        wanted: The range.
        marked: Days with marks, ascending.
        sealed: Sealed months that the range touches, ascending.

    Raises:
        InvalidInput: The range cuts a day of a sealed month, of which no rows are left.
    """
    start, end = _limits(wanted)
    day_start, day_end = _day_after(start), end.date()
    touched = [day for day in marked if day_start <= day < day_end]
    if day_start > day_end:
        # The range lies within one day.
        runs = [(start, end)]
        day_start = day_end
    else:
        edges = [(start, midnight(day_start)), (midnight(day_end), end)]
        runs = [(low, high) for low, high in edges if low < high]
    _refuse_cut_days(runs, sealed)
    # By month, as the partitions are: a year's join would not fit into the server's memory.
    for _, days in groupby(touched, key=lambda day: (day.year, day.month)):
        runs += [(midnight(first), midnight(last)) for first, last in adjacent_days(days)]
    month_start = day_start if day_start.day == 1 else next_month(day_start)
    month_end = day_end.replace(day=1)
    if month_start >= month_end:
        month_start = month_end = day_end
    return Periods(
        day_start,
        day_end,
        month_start,
        month_end,
        tuple(touched),
        tuple(sealed),
        tuple(sorted(runs)),
    )


def _limits(wanted: TimeRange) -> Run:
    return wanted.start or midnight(_FIRST), wanted.end or midnight(_LAST)


def _day_after(moment: datetime) -> date:
    day = moment.astimezone(UTC).date()
    return day if moment == midnight(day) else day + timedelta(days=1)


def _refuse_cut_days(runs: Sequence[Run], sealed: Sequence[date]) -> None:
    for low, _ in runs:
        if low.date().replace(day=1) in sealed:
            raise InvalidInput(
                f"the range cuts {low:%Y-%m-%d}, a day of a sealed month: its rows are gone and "
                "only whole days can be asked for; begin and end at midnight UTC"
            )
