"""When a growing figure reaches its end: a straight line through its days.

For: ``monitoring.advice``. Not for: forecasts of the platform's metrics (``insight``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

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
