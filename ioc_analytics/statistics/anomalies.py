"""Single points of a series that lie outside what their own past leads to expect.

For: trends of metrics. Not for: jumps of the level (``changepoints``) or odd people
(``outliers``).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.statistics.outliers import MAD_SCALE
from ioc_analytics.statistics.trends import checked_series

FEWEST_PAST: Final = 20
"""Earlier values that a point is judged on, at least: with fewer the MAD is a guess."""

WINDOW: Final = 60
"""Earlier values that a point is judged on, at most."""

FALSE_ALARMS: Final = 0.05
"""Share of series without anomalies in which one is found, about."""

_EFFICIENCY: Final = 0.37
"""Of the MAD, against the SD of normal values."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A point that stands out from its past."""

    index: int
    residual: float
    """Distance from the median of its past, in the unit of the values."""

    score: float
    """That distance in robust standard deviations of its past."""


def find_anomalies(residuals: npt.ArrayLike) -> tuple[Anomaly, ...]:
    """Return the points that stand out from the values before them.

    A point is judged on the up to 60 values before it, of which it is none itself: distance from
    their median over 1.4826 MAD and sqrt(1 + pi / 2m). The limit is Student's t at 5 % over the
    number of points judged (Bonferroni), with 0.37 m degrees of freedom, which is what a MAD of m
    values is worth. The first 20 values are not judged.

    Args:
        residuals: Shape ``(n_periods,)``, any unit, free of trend, season and jumps; NaN where
            missing.

    Raises:
        InvalidInput: An infinite value or too long a series.

    Source:
        Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers; Rousseeuw & Croux (1993),
        doi:10.1080/01621459.1993.10476408, for the efficiency.

    Example:
        >>> values = [float(7 * t % 5) for t in range(50)]
        >>> values[40] = 30.0
        >>> [point.index for point in find_anomalies(values)]
        [40]
    """
    x = checked_series(residuals)
    places = np.flatnonzero(np.isfinite(x))
    y = x[places]
    judged = len(y) - FEWEST_PAST
    found = []
    for at in range(FEWEST_PAST, len(y)):
        past = y[max(0, at - WINDOW) : at]
        m = len(past)
        centre = np.median(past)
        spread = MAD_SCALE * np.median(np.abs(past - centre)) * np.sqrt(1 + np.pi / (2 * m))
        limit = special.stdtrit(_EFFICIENCY * m, 1 - FALSE_ALARMS / (2 * judged))
        distance = float(y[at] - centre)
        if spread > 0 and abs(distance) > limit * spread:
            found.append(Anomaly(int(places[at]), distance, float(distance / spread)))
    return tuple(found)
