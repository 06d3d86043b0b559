"""The partitions that assets are divided by.

For: assets, jobs and sensors. Not for: the partitions of tables (``schema.partitions``).
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

import dagster as dg

MONTHS: Final = dg.MonthlyPartitionsDefinition("1990-01-01", timezone="UTC", end_offset=1)
"""UTC months from the first that a record may have up to the current one, which is not over yet."""

DAYS: Final = dg.DailyPartitionsDefinition("1990-01-01", timezone="UTC", end_offset=1)
"""UTC days, likewise."""


def month_key(month: date) -> str:
    """Return the partition key of a month.

    Example:
        >>> month_key(date(2024, 3, 15))
        '2024-03-01'
    """
    return f"{month:%Y-%m}-01"


def day_key(day: date) -> str:
    """Return the partition key of a day."""
    return day.isoformat()


def dates_of(keys: Sequence[str]) -> list[date]:
    """Return the days, or first days of months, that partition keys stand for."""
    return [datetime.strptime(key, "%Y-%m-%d").date() for key in keys]  # noqa: DTZ007 - a day


def adjacent_months(months: Iterable[date]) -> list[tuple[date, date]]:
    """Return runs of adjacent months as first and last month.

    Example:
        >>> runs = adjacent_months([date(2024, 1, 1), date(2023, 12, 1), date(2024, 5, 1)])
        >>> [f"{first:%Y-%m} to {last:%Y-%m}" for first, last in runs]
        ['2023-12 to 2024-01', '2024-05 to 2024-05']
    """
    runs: list[tuple[date, date]] = []
    for month in sorted(set(months)):
        if runs and _number(month) == _number(runs[-1][1]) + 1:
            runs[-1] = (runs[-1][0], month)
        else:
            runs.append((month, month))
    return runs


def _number(month: date) -> int:
    return month.year * 12 + month.month
