"""When a growing figure reaches its end: a straight line through its days.

For: ``monitoring.advice`` and the plan of resources. Not for: forecasts of the platform's metrics
(``forecasting``), which have seasons and turn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from scipy.special import stdtrit

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.statistics.intervals import ConfidenceInterval, checked_level

FEWEST_DAYS: Final = 14
"""Days with a figure below which no date is given."""

_CONFIDENCE: Final = 0.95
_HORIZON_DAYS: Final = 3650


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """When the line reaches the end, seen from the newest day."""

    expected: date
    earliest: date
    latest: date | None
    """None: at the slow end of the interval it is never reached, or in more than ten years."""

    slope_per_day: float
    days_of_history: int


def exhaustion(days: Sequence[date], values: Sequence[float], end: float) -> Exhaustion | None:
    """Return when a figure that grows reaches its end.

    Ordinary least squares of the value on the day. The interval holds the days on which the 95 %
    band of the line (Student's t, n - 2) encloses the end: with u counted from the mean day and d
    from the mean value to the end, the roots of (d - slope u)² = t² s² (1/n + u²/Sxx). Days of one
    machine depend on each other, so the interval is a lower bound of what is not known.

    Args:
        days: Ascending, each once; shape (n,).
        values: In the unit of ``end``; shape (n,).
        end: The value at which nothing is left.

    Returns:
        None with fewer than 14 days, without growth that is certain at 95 %, or when the end is
        more than ten years away.

    Source:
        Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x;
        R: ``uniroot`` on ``predict(lm(value ~ day), interval = "confidence")`` less the end.
    """
    # A figure that never moved has no residuals to judge a slope by.
    if len(days) < FEWEST_DAYS or len(set(values)) == 1:
        return None
    line = _fit(days, values)
    squared = float(stdtrit(line.n - 2, (1 + _CONFIDENCE) / 2)) ** 2 * line.variance
    certain = line.slope**2 - squared / line.sum_of_squares
    if line.slope <= 0 or certain <= 0:
        return None
    distance = end - line.mean_value
    root = math.sqrt(squared * (distance**2 / line.sum_of_squares + certain / line.n))

    def ahead(place: float) -> float:
        return max(0.0, place + line.mean_day - line.last_day)

    expected = ahead(distance / line.slope)
    earliest, latest = (
        ahead((line.slope * distance + sign * root) / certain) for sign in (-1.0, 1.0)
    )
    if expected > _HORIZON_DAYS:
        return None
    return Exhaustion(
        expected=days[-1] + timedelta(days=expected),
        earliest=days[-1] + timedelta(days=earliest),
        # A date is a whole day, and the interval holds the one that it ends on.
        latest=days[-1] + timedelta(days=math.ceil(latest)) if latest <= _HORIZON_DAYS else None,
        slope_per_day=line.slope,
        days_of_history=line.n,
    )


def extend_line(
    days: Sequence[date], values: Sequence[float], ahead: int, level: float
) -> tuple[float, ConfidenceInterval]:
    """Return what the line through some days says of a later one.

    Formula: a + b x ± t(n - 2) s sqrt(1 + 1/n + (x - mean)² / Sxx); R: ``predict(lm(value ~ day),
    interval = "prediction")``. Days of one machine depend on each other, so that the interval is
    narrower than what is not known.

    Args:
        days: Ascending, each once; shape (n,).
        values: Shape (n,).
        ahead: Days after the newest one.
        level: Probability, 0 to 1, that the interval is meant to cover what comes.

    Raises:
        NotEnoughData: Fewer than 14 days.

    Example:
        >>> week = [date(2026, 1, 1) + timedelta(days=n) for n in range(14)]
        >>> value, interval = extend_line(week, [float(n) for n in range(14)], 7, 0.9)
        >>> round(value, 6), round(interval.low, 6)
        (20.0, 20.0)
    """
    if len(days) < FEWEST_DAYS:
        raise NotEnoughData(f"a line needs {FEWEST_DAYS} days with a figure, found {len(days)}")
    line = _fit(days, values)
    distance = line.last_day + ahead - line.mean_day
    value = line.mean_value + line.slope * distance
    quantile = -float(stdtrit(line.n - 2, (1 - checked_level(level)) / 2))
    leverage = 1 / line.n + distance**2 / line.sum_of_squares
    half = quantile * math.sqrt(line.variance * (1 + leverage))
    return value, ConfidenceInterval(level, value - half, value + half, "line")


@dataclass(frozen=True, slots=True)
class _Line:
    n: int
    slope: float
    mean_day: float
    last_day: float
    mean_value: float
    variance: float
    """Of the values around the line, n - 2 degrees of freedom."""

    sum_of_squares: float
    """Of the days around their mean."""


def _fit(days: Sequence[date], values: Sequence[float]) -> _Line:
    x = np.array([(day - days[0]).days for day in days], dtype=float)
    y = np.asarray(values, dtype=float)
    n, around = len(x), x - x.mean()
    squares = float((around**2).sum())
    slope = float((around * y).sum()) / squares
    rest = y - y.mean() - slope * around
    variance = float((rest**2).sum()) / (n - 2)
    return _Line(n, slope, float(x.mean()), float(x[-1]), float(y.mean()), variance, squares)
