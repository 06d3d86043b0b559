"""How a resource's use goes on, and when it reaches its end.

For: ``monitoring.advice`` and the plan of resources. Not for: forecasts of the platform's metrics
(``forecasting``), which have seasons and turn.

What is measured anew each day (connections, seconds of work) follows a line. What piles up (rows,
bytes) grows from where it stands by its mean daily growth: its past deviations stay for ever, which
no line knows. Days of one machine resemble their neighbours; both intervals are widened for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.statistics.intervals import ConfidenceInterval, checked_level
from ioc_analytics.statistics.trends import lag_one

FEWEST_DAYS: Final = 14
"""Days with a figure below which nothing is said."""

FloatArray = npt.NDArray[np.float64]

_CONFIDENCE: Final = 0.95
_HORIZON_DAYS: Final = 3650
_LARGEST_LAG: Final = 0.9
_FEWEST_FREE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Course:
    """How a figure goes on after its newest day."""

    method: str
    newest: date
    slope_per_day: float
    slope_error: float
    """Standard error of the slope."""

    freedom: float
    """Degrees of freedom of Student's t."""

    days_of_history: int
    ahead: Callable[[FloatArray], tuple[FloatArray, FloatArray]]
    """Value and its standard error, so many days after the newest one; shapes (n,)."""

    def quantile(self, level: float) -> float:
        """Return Student's quantile of an interval."""
        return float(-stdtrit(self.freedom, (1 - checked_level(level)) / 2))


Follow = Callable[[Sequence[date], Sequence[float]], Course]


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """When the end is reached."""

    expected: date
    earliest: date
    latest: date | None
    """First days on which the upper, the lower limit of the 95 % interval reaches it; None: not
    within ten years."""

    slope_per_day: float
    days_of_history: int


def follow_line(days: Sequence[date], values: Sequence[float]) -> Course:
    """Follow what is measured anew each day along a straight line.

    Ordinary least squares. The deviations are taken as autoregressive of order 1, their
    autocorrelation from the residuals, without the bias (2 + 4 r) / n that a fitted line leaves
    (Marriott and Pope 1954, doi:10.1093/biomet/41.3-4.390) and never below 0: the variance of
    ``u(h) - w'u``, with w the weights of the line at h, is exact for it. Without autocorrelation
    it is R's ``predict(lm(value ~ day), interval = "prediction")``.

    Args:
        days: Ascending, each once; shape (n,).
        values: Shape (n,).

    Raises:
        NotEnoughData: Fewer than 14 days.
    """
    x, y = _checked(days, values)
    n = len(x)
    around = x - x.mean()
    square = float((around**2).sum())
    slope = float((around * y).sum()) / square
    rest = y - y.mean() - slope * around
    r = float(np.clip((n * lag_one(rest) + 2) / (n - 4), 0.0, _LARGEST_LAG))
    if lag_one(rest) <= 0:
        r = 0.0
    alike = r ** np.abs(x[:, None] - x)
    hat = 1 / n + around[:, None] * around / square
    # Residuals are smaller than deviations: E[rest'rest] = sigma² tr((I - H) R).
    free = n - float((hat * alike).sum())
    variance = float((rest**2).sum()) / free

    to_newest = r ** (x[-1] - x)
    of_mean, of_slope = alike.sum() / n**2, float(around @ alike @ around) / square**2
    of_both = float((alike @ around).sum()) / (n * square)

    def ahead(far: FloatArray) -> tuple[FloatArray, FloatArray]:
        off = x[-1] + far - x.mean()
        fitted = of_mean + 2 * off * of_both + off**2 * of_slope
        shared = r**far * (to_newest.mean() + off * float(around @ to_newest) / square)
        spread = np.maximum(1 - 2 * shared + fitted, 0.0)
        return y.mean() + slope * off, np.sqrt(variance * spread)

    error = float(np.sqrt(variance * of_slope))
    freedom = max(_FEWEST_FREE, (n - 2) * (1 - r) / (1 + r))
    return Course("line", days[-1], slope, error, freedom, n, ahead)


def follow_growth(days: Sequence[date], values: Sequence[float]) -> Course:
    """Follow what piles up by its mean growth a day, from where it stands.

    The sum of h days to come less h times the mean of m days has the variance
    ``V (h + h² / m)``: V is the long-run variance of daily growth, its variance times
    (1 + r) / (1 - r), with r the autocorrelation, never below 0, without the bias (1 + 3 r) / m
    that a mean leaves (Marriott and Pope 1954). Days without a figure share the growth between
    their neighbours.

    Args:
        days: Ascending, each once; shape (n,).
        values: Shape (n,).

    Raises:
        NotEnoughData: Fewer than 14 days.
    """
    x, y = _checked(days, values)
    growth = np.diff(np.interp(np.arange(x[-1] + 1), x, y))
    m = len(growth)
    mean = float(growth.mean())
    found = lag_one(growth)
    r = float(np.clip((m * found + 1) / (m - 3), 0.0, _LARGEST_LAG)) if found > 0 else 0.0
    # A sample of like days varies less than they do: Bartlett's n - (1 + r) / (1 - r) is free.
    widening = (1 + r) / (1 - r)
    variance = float(((growth - mean) ** 2).sum()) / max(m - widening, 1.0) * widening

    def ahead(far: FloatArray) -> tuple[FloatArray, FloatArray]:
        return y[-1] + mean * far, np.sqrt(variance * (far + far**2 / m))

    error = float(np.sqrt(variance / m))
    freedom = max(_FEWEST_FREE, m / widening - 1)
    return Course("growth", days[-1], mean, error, freedom, len(days), ahead)


def extend(course: Course, ahead: int, level: float) -> tuple[float, ConfidenceInterval]:
    """Return what a course says of a later day.

    Args:
        course: What ``follow_line`` or ``follow_growth`` returned.
        ahead: Days after the newest one.
        level: Probability, 0 to 1, that the interval is meant to cover what comes.

    Example:
        >>> days = [date(2026, 1, 1) + timedelta(days=n) for n in range(14)]
        >>> course = follow_growth(days, [float(n) for n in range(14)])
        >>> extend(course, 7, 0.9)[0]
        20.0
    """
    values, errors = course.ahead(np.array([float(ahead)]))
    value, half = float(values[0]), course.quantile(level) * float(errors[0])
    return value, ConfidenceInterval(level, value - half, value + half, course.method)


def exhaustion(
    days: Sequence[date], values: Sequence[float], end: float, follow: Follow = follow_line
) -> Exhaustion | None:
    """Return when a figure that grows reaches its end.

    Args:
        days: Ascending, each once; shape (n,).
        values: In the unit of ``end``; shape (n,).
        end: The value at which nothing is left.
        follow: How it goes on.

    Returns:
        None with fewer than 14 days, without growth that is certain at 95 %, or when the end is
        more than ten years away.
    """
    # A figure that never moved has no deviations to judge its growth by.
    if len(days) < FEWEST_DAYS or len(set(values)) == 1:
        return None
    course = follow(days, values)
    quantile = course.quantile(_CONFIDENCE)
    if course.slope_per_day <= quantile * course.slope_error:
        return None
    far = np.arange(_HORIZON_DAYS + 1, dtype=np.float64)
    reached, errors = course.ahead(far)
    limits = (reached, reached + quantile * errors, reached - quantile * errors)
    expected, earliest, latest = (_first(limit, end) for limit in limits)
    if expected is None or earliest is None:
        return None
    return Exhaustion(
        expected=course.newest + timedelta(days=expected),
        earliest=course.newest + timedelta(days=earliest),
        latest=None if latest is None else course.newest + timedelta(days=latest),
        slope_per_day=course.slope_per_day,
        days_of_history=course.days_of_history,
    )


def _first(values: FloatArray, end: float) -> int | None:
    # What rounds to the end has reached it.
    places = np.flatnonzero(values >= end - 1e-9 * abs(end))
    return int(places[0]) if len(places) else None


def _checked(days: Sequence[date], values: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    if len(days) < FEWEST_DAYS:
        raise NotEnoughData(f"what comes needs {FEWEST_DAYS} days with a figure, found {len(days)}")
    x = np.array([(day - days[0]).days for day in days], dtype=np.float64)
    return x, np.asarray(values, dtype=np.float64)
