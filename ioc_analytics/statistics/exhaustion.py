"""When a growing figure reaches its end: a straight line through its days.

For: ``monitoring.advice`` and the plan of resources. Not for: forecasts of the platform's metrics
(``forecasting``), which have seasons and turn.
"""

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

    Ordinary least squares of the value on the day; from the newest day's fitted value the rest is
    divided by the slope and by the ends of its 95 % interval (Student's t, n - 2). R:
    ``confint(lm(value ~ day))``. Days of one machine depend on each other, so the interval is a
    lower bound of what is not known.

    Args:
        days: Ascending, each once; shape (n,).
        values: In the unit of ``end``; shape (n,).
        end: The value at which nothing is left.

    Returns:
        None with fewer than 14 days, without growth that is certain at 95 %, or when the end is
        more than ten years away.
    """
    # A figure that never moved has no residuals to judge a slope by.
    if len(days) < FEWEST_DAYS or len(set(values)) == 1:
        return None
    from scipy.stats import linregress, t  # 45 MB for one line

    x = np.array([(day - days[0]).days for day in days], dtype=float)
    line = linregress(x, np.asarray(values, dtype=float))
    half = t.ppf((1 + _CONFIDENCE) / 2, len(days) - 2) * line.stderr
    slow, fast = line.slope - half, line.slope + half
    if slow <= 0:
        return None
    rest = max(0.0, end - float(line.intercept + line.slope * x[-1]))
    if rest / line.slope > _HORIZON_DAYS:
        return None
    return Exhaustion(
        expected=days[-1] + timedelta(days=rest / line.slope),
        earliest=days[-1] + timedelta(days=rest / fast),
        latest=days[-1] + timedelta(days=rest / slow) if rest / slow <= _HORIZON_DAYS else None,
        slope_per_day=float(line.slope),
        days_of_history=len(days),
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
    n = len(days)
    if n < FEWEST_DAYS:
        raise NotEnoughData(f"a line needs {FEWEST_DAYS} days with a figure, found {n}")
    x = np.array([(day - days[0]).days for day in days], dtype=float)
    y = np.asarray(values, dtype=float)
    at, around = float(x[-1]) + ahead, x - x.mean()
    slope = float((around * y).sum() / (around**2).sum())
    value = float(y.mean()) + slope * (at - float(x.mean()))
    spread = np.sqrt(((y - y.mean() - slope * around) ** 2).sum() / (n - 2))
    distance = (at - x.mean()) ** 2 / (around**2).sum()
    quantile = -stdtrit(n - 2, (1 - checked_level(level)) / 2)
    half = float(quantile * spread * np.sqrt(1 + 1 / n + distance))
    return value, ConfidenceInterval(level, value - half, value + half, "line")
