"""Whether a series rises or falls, and how fast: Mann-Kendall and Theil-Sen after pre-whitening.

For: trends of metrics, reports. Not for: jumps (``changepoints``) or single odd points
(``anomalies``).

Neighbouring periods resemble each other, and a plain test takes that for a trend. The series is
therefore pre-whitened: w(t) = y(t) - r y(t-1). Its autocorrelation r is measured beside the trend
(Wang & Swail 2001): measured on the series as it is, r takes a strong trend for autocorrelation
and whitens it away. This is not trend-free pre-whitening, which whitens the residuals alone, adds
the trend again, and finds several times too many trends.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.comparison import kruskal_wallis
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level

MINIMUM_LENGTH: Final = 24
"""Fewest values that a trend is judged on: from here on 3 to 7 % of all series with an
autocorrelation of up to 0.6 show a false trend at a nominal 5 % (docs/trends.md).
"""

MINIMUM_CYCLES: Final = 3
"""Fewest whole seasons that seasonal effects are estimated from."""

MAXIMUM_LENGTH: Final = 4000
"""Most periods: all pairs are compared, which takes memory with the square."""

_LARGEST_LAG: Final = 0.97
"""Nearer to 1 the division by 1 - r says nothing."""

FloatArray = npt.NDArray[np.float64]
Direction = Literal["increasing", "decreasing", "stable"]


@dataclass(frozen=True, slots=True)
class Seasonality:
    """A pattern that repeats."""

    period: int
    """Length in periods of the series, such as 7 days or 12 months."""

    effects: tuple[float, ...]
    """Deviation at each place of the season from the level, beginning with the first period of the
    series; their mean is 0.
    """

    strength: float
    """Share of the variance around the trend that the season explains, 0 to 1."""

    significance: float
    """p value of Kruskal and Wallis' test on the pre-whitened series."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A monotonic trend."""

    direction: Direction
    """``stable``: no trend beyond chance at this level."""

    slope: float
    """Theil-Sen, in the unit of the values per period."""

    slope_interval: ConfidenceInterval

    intercept: float
    """Median of what the slope leaves, at the first period, in the unit of the values."""

    correlation: float
    """Kendall's tau-b of the pre-whitened values with time, -1 to 1."""

    significance: float
    """p value of Mann and Kendall's test, two-sided, with continuity correction."""

    autocorrelation: float
    """r of the pre-whitening, corrected for bias."""

    seasonality: Seasonality | None
    """None: no season was asked for, or there are too few cycles to see one."""

    sample_size: int
    """Pre-whitened values that the test stands on."""

    method: str


def find_trend(
    values: npt.ArrayLike, season: int | None = None, *, level: float = DEFAULT_LEVEL
) -> Trend:
    """Return the trend of a series.

    With a season and at least three whole cycles, seasonal effects (medians per place of what the
    seasonal Sen slope leaves) are taken off, and only pairs of the same place in the season are
    compared (Hirsch, Slack & Smith 1982). Then, with y the series and b its Sen slope:

    * r = (n r1 + 3) / (n - 6), r1 the lag-1 autocorrelation of y(t) - b t. Its expectation in an
      AR(1) series with a fitted line is r - (2 + 4 r) / n; the correction is a little larger than
      that, because too small an r makes more false trends than too large an r prevents;
    * w(t) = y(t) - r y(t-1);
    * S = sum of the signs of w(j) - w(i) over pairs i < j, Var(S) corrected for ties,
      z = (S - sign S) / SD(S);
    * slope = median of (w(j) - w(i)) / (j - i), divided by 1 - r, since pre-whitening shrinks a
      trend by that factor; the limits of its interval (Gilbert 1987: order statistics of the pair
      slopes, C = z SD(S) ranks apart) are divided likewise.

    Args:
        values: Shape ``(n_periods,)``, any unit, equally spaced; NaN where a period has no value.
        season: Periods per season; None: no season.
        level: Confidence of the interval; the test's level is one minus it.

    Raises:
        InvalidInput: An infinite value, more than ``MAXIMUM_LENGTH`` periods, or an impossible
            season.
        NotEnoughData: Fewer than 24 values, one less after pre-whitening.

    Source:
        Mann (1945), doi:10.2307/1907187; Sen (1968), doi:10.1080/01621459.1968.10480934;
        Hirsch, Slack & Smith (1982), doi:10.1029/WR018i001p00107; Wang & Swail (2001),
        doi:10.1175/1520-0442(2001)014<2204:COEWHI>2.0.CO;2; Gilbert (1987), Statistical Methods for
        Environmental Pollution Monitoring, 16.4. R: ``cor.test(w, t, method = "kendall",
        exact = FALSE, continuity = TRUE)``; the other lines in ``make_trends_reference.R``.

    Example:
        >>> found = find_trend([0.5 * t + (t * 7 % 5) for t in range(40)])
        >>> found.direction, round(found.slope, 2)
        ('increasing', 0.5)
    """
    x = checked_series(values)
    probability = checked_level(level)
    if season is not None and season < 2:
        raise InvalidInput(f"a season has at least 2 periods, found {season}")
    has_season = season is not None and len(x) >= MINIMUM_CYCLES * season
    period = season if season is not None and has_season else 1
    times = np.arange(len(x))
    rough = _median(_compare_pairs(x, period)[0])
    effects = _seasonal_effects(x - rough * times, period)
    y = x - effects[times % period]
    r = _corrected(lag_one(y - rough * times), int(np.isfinite(y).sum()))
    w = y[1:] - r * y[:-1]
    n = int(np.isfinite(w).sum())
    if n < MINIMUM_LENGTH - 1:
        raise NotEnoughData(
            f"a trend needs {MINIMUM_LENGTH} values that follow each other, so that "
            f"{MINIMUM_LENGTH - 1} are left after pre-whitening; found {n}"
        )
    slopes, s, variance, tau = _compare_pairs(w, period)
    slope = float(np.median(slopes)) / (1 - r)
    half = special.ndtri((1 + probability) / 2) * math.sqrt(variance)
    low, high = (limit / (1 - r) for limit in _slope_limits(slopes, half))
    z = (s - np.sign(s)) / math.sqrt(variance) if variance > 0 else 0.0
    p = float(min(1.0, 2 * special.ndtr(-abs(z))))
    direction: Direction = "stable"
    if p < 1 - probability:
        direction = "increasing" if s > 0 else "decreasing"
    rest = y - slope * times
    method = "seasonal_kendall" if has_season else "mann_kendall"
    return Trend(
        direction,
        slope,
        ConfidenceInterval(probability, low, high, "theil_sen_pre_whitened"),
        float(np.nanmedian(rest)),
        tau,
        p,
        r,
        _seasonality(x, effects, slope) if has_season else None,
        n,
        f"{method}_pre_whitened",
    )


def lag_one(values: FloatArray) -> float:
    """Return the lag-1 autocorrelation of a series; 0 if it is constant.

    Without gaps R's ``acf(x, 1)``; with gaps the mean product of neighbours that are both there,
    over the variance of all.

    Example:
        >>> lag_one(np.array([1.0, 2.0, 3.0, 4.0]))
        0.25
    """
    is_there = np.isfinite(values)
    n = int(is_there.sum())
    deviations = values - values[is_there].mean() if n else values
    products = deviations[1:] * deviations[:-1]
    products = products[np.isfinite(products)]
    square = float((deviations[is_there] ** 2).sum())
    if not products.size or square == 0:
        return 0.0
    return float(products.mean()) * (n - 1) / square


def checked_series(values: npt.ArrayLike) -> FloatArray:
    """Return a series as floats, NaN where a period has no value.

    Raises:
        InvalidInput: It is not one row of numbers, too long, or has an infinite value.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or len(x) > MAXIMUM_LENGTH:
        raise InvalidInput(
            f"a series is one row of at most {MAXIMUM_LENGTH:,} periods, found shape {x.shape}; "
            "ask for longer periods or a shorter range"
        )
    if np.isinf(x).any():
        raise InvalidInput("a series has finite values, found an infinite one")
    return x


def _corrected(r: float, n: int) -> float:
    """Return an autocorrelation without the bias that a fitted line leaves."""
    return min(_LARGEST_LAG, (n * r + 3) / (n - 6)) if n > 6 else r


def _seasonal_effects(rest: FloatArray, period: int) -> FloatArray:
    """Return the effect of each place of the season, with mean 0."""
    medians = np.array([_median(rest[place::period]) for place in range(period)])
    is_known = np.isfinite(medians)
    if not is_known.any():
        return np.zeros(period)
    # A place without any value, such as Sundays, has no effect.
    return np.where(is_known, medians - medians[is_known].mean(), 0.0)


def _median(values: FloatArray) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if there.size else math.nan


def _compare_pairs(w: FloatArray, period: int) -> tuple[FloatArray, float, float, float]:
    """Return slopes of all pairs of the same place, ascending, Kendall's S, its variance, tau-b."""
    slopes: list[FloatArray] = []
    s = variance = comparable = untied = 0.0
    for place in range(period):
        at = np.arange(place, len(w), period)
        at = at[np.isfinite(w[at])]
        n = len(at)
        first, second = np.triu_indices(n, 1)
        differences = w[at][second] - w[at][first]
        slopes.append(differences / (at[second] - at[first]))
        s += float(np.sign(differences).sum())
        ties = np.unique(w[at], return_counts=True)[1].astype(np.float64)
        variance += n * (n - 1) * (2 * n + 5) / 18
        variance -= float((ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
        comparable += n * (n - 1) / 2
        untied += n * (n - 1) / 2 - float((ties * (ties - 1)).sum()) / 2
    tau = s / math.sqrt(comparable * untied) if untied > 0 else 0.0
    return np.sort(np.concatenate(slopes)), s, variance, tau


def _slope_limits(slopes: FloatArray, half: float) -> tuple[float, float]:
    """Return the pair slopes at the ranks (N - C) / 2 and (N + C) / 2 + 1, rounded."""
    n = len(slopes)
    low = max(1, round((n - half) / 2))
    high = min(n, round((n + half) / 2 + 1))
    return float(slopes[low - 1]), float(slopes[high - 1])


def _seasonality(x: FloatArray, effects: FloatArray, slope: float) -> Seasonality:
    period = len(effects)
    places = np.arange(len(x)) % period
    around = x - slope * np.arange(len(x))
    rest = around - effects[places]
    spread = float(np.nanvar(around))
    strength = max(0.0, 1 - float(np.nanvar(rest)) / spread) if spread > 0 else 0.0
    w = around[1:] - lag_one(rest) * around[:-1]
    groups = [w[(places[1:] == place) & np.isfinite(w)] for place in range(period)]
    groups = [group for group in groups if group.size]
    is_constant = len(groups) < 2 or np.ptp(np.concatenate(groups)) == 0
    p = (
        1.0
        if is_constant
        else kruskal_wallis([np.unique(group, return_counts=True) for group in groups]).p_value
    )
    return Seasonality(period, tuple(effects.tolist()), strength, p)
