"""When the level of a series jumps: optimal partitioning, penalized for autocorrelation.

For: trends of metrics. Not for: gradual change (``trends``) or single odd points (``anomalies``).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.statistics.outliers import MAD_SCALE
from ioc_analytics.statistics.trends import checked_series

MINIMUM_SEGMENT: Final = 5
"""Fewest values between two change points: shorter runs are odd points, not levels."""

MINIMUM_VALUES: Final = 20
"""Fewest values that change points are looked for in."""

PENALTY: Final = 6.0
"""Penalty of a change point, in long-run variances times log n: a jump is found where none is in
at most 7 % of all series with an autocorrelation of 0.6, in 1 % or fewer with 0.3.
"""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A jump between two levels."""

    index: int
    """Period in which the new level begins."""

    before: float
    after: float
    """Means of the values between the neighbouring change points, in their unit, less the slope."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelChanges:
    """A series as levels between jumps."""

    points: tuple[ChangePoint, ...]

    slope: float
    """What was taken off before the levels were found, per period; 0: nothing."""

    fitted: FloatArray
    """Level and slope at each period, shape ``(n_periods,)``."""


def find_change_points(values: npt.ArrayLike, slope: float = 0.0) -> LevelChanges:
    """Return where the mean of a series jumps.

    Minimizes the squared deviations from the means of the segments plus
    ``PENALTY`` * log n * long-run variance per change point, exactly: what PELT
    finds, without its pruning, which a least length of segments makes inexact. For AR(1) noise the
    long-run variance is s² (1 + r) / (1 - r), with r = (median |x(t+2) - x(t)| /
    median |x(t+1) - x(t)|)² - 1, kept within 0 and 0.9, and s² from the MAD of the differences:
    neither is moved by jumps (Chakar et al. 2017). Spikes are first replaced by the median of
    five neighbours.

    A jump looks like a trend and a trend like a staircase. Given a slope, jumps are looked for with
    and without it, and the cheaper account is returned; the slope costs as much as half a jump.

    Args:
        values: Shape ``(n_periods,)``, any unit, free of season; NaN where missing.
        slope: Of a trend that the series may have, per period.

    Raises:
        InvalidInput: An infinite value or too long a series.
        NotEnoughData: Fewer than 20 values.

    Source:
        Jackson et al. (2005), doi:10.1109/LSP.2001.838216; Killick, Fearnhead & Eckley (2012),
        doi:10.1080/01621459.2012.737745; Chakar, Lebarbier, Levy-Leduc & Robin (2017),
        doi:10.3150/15-BEJ782.

    Example:
        >>> values = [(7 * t % 5) / 5 + (4 if t >= 30 else 0) for t in range(60)]
        >>> [point.index for point in find_change_points(values).points]
        [30]
    """
    x = checked_series(values)
    places = np.flatnonzero(np.isfinite(x))
    y = x[places]
    if len(y) < MINIMUM_VALUES:
        raise NotEnoughData(f"change points need {MINIMUM_VALUES} values, found {len(y)}")
    variance, spread = _long_run_variance(y)
    penalty = PENALTY * math.log(len(y)) * variance
    smooth = ndimage.median_filter(y, 5, mode="nearest")
    y = np.where(np.abs(y - smooth) > 4 * spread, smooth, y)
    edges, costs = _partition(y, penalty) if variance > 0 else ([], 0.0)
    if slope and variance > 0:
        with_slope, costs_with_slope = _partition(y - slope * places, penalty)
        if costs_with_slope + penalty / 2 < costs:
            return _describe(x, y - slope * places, places, with_slope, slope)
    return _describe(x, y, places, edges, 0.0)


def _describe(
    x: FloatArray, y: FloatArray, places: npt.NDArray[np.intp], starts: list[int], slope: float
) -> LevelChanges:
    edges = [0, *starts, len(y)]
    means = [float(y[a:b].mean()) for a, b in pairwise(edges)]
    firsts = [0, *(int(places[start]) for start in starts), len(x)]
    fitted = np.repeat(means, np.diff(firsts)) + slope * np.arange(len(x))
    points = tuple(
        ChangePoint(first, before, after)
        for first, (before, after) in zip(firsts[1:-1], pairwise(means), strict=True)
    )
    return LevelChanges(points, slope, fitted)


def _long_run_variance(y: FloatArray) -> tuple[float, float]:
    """Return the long-run variance and the SD of a series around its levels."""
    one = float(np.median(np.abs(np.diff(y))))
    two = float(np.median(np.abs(y[2:] - y[:-2])))
    if one == 0:
        return 0.0, 0.0
    r = min(0.9, max(0.0, (two / one) ** 2 - 1))
    variance = (MAD_SCALE * one) ** 2 / (2 * (1 - r))
    return variance * (1 + r) / (1 - r), math.sqrt(variance)


def _partition(y: FloatArray, penalty: float) -> tuple[list[int], float]:
    """Return where the segments of the cheapest partition begin but the first, and its cost."""
    n = len(y)
    sums = np.concatenate([[0.0], np.cumsum(y - y.mean())])
    squares = np.concatenate([[0.0], np.cumsum((y - y.mean()) ** 2)])
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    previous = np.zeros(n + 1, dtype=np.int64)
    for end in range(MINIMUM_SEGMENT, n + 1):
        starts = slice(0, end - MINIMUM_SEGMENT + 1)
        lengths = np.arange(end, MINIMUM_SEGMENT - 1, -1)
        costs = squares[end] - squares[starts] - (sums[end] - sums[starts]) ** 2 / lengths
        totals = best[starts] + costs + penalty
        previous[end] = totals.argmin()
        best[end] = totals[previous[end]]
    found = []
    at = int(previous[n])
    while at > 0:
        found.append(at)
        at = int(previous[at])
    return found[::-1], float(best[n])
