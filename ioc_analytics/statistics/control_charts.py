"""Control charts: whether the newest periods still come from the level of the earlier ones.

For: early warnings. Not for: trends and jumps of the past (``trends``, ``changepoints``).

An exponentially weighted mean of the newest periods sees small shifts that last and large ones at
once. Its limits know that the level and the spread were estimated from a few earlier periods, that
they spread by more than chance, and that neighbours resemble each other; limits that forget the
first two call several times as many false alarms as they promise.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.funnels import rate_of, stabilize_rates
from ioc_analytics.statistics.intervals import checked_level

MINIMUM_BASELINE: Final = 20
"""Fewest earlier periods that level and spread are taken from."""

EWMA_WEIGHT: Final = 0.3
"""Weight of the newest period: good at shifts of one to two SD (Lucas & Saccucci 1990)."""

FALSE_ALARM_RATE: Final = 0.005
"""Probability that one look at one side of a chart calls an alarm though nothing has changed."""

LARGEST_FALSE_ALARM_RATE: Final = 0.01
"""What ``FALSE_ALARM_RATE`` comes to at most where neighbouring periods are correlated by up to
0.6, which a short series cannot measure well (simulated by a nightly test).
"""

FloatArray = npt.NDArray[np.float64]


_EXACT_TRIALS: Final = 2000
"""Up to so many trials the bias of a stabilised rate is summed up; beyond, it is below 0.001 SD."""


@dataclass(frozen=True, slots=True)
class ControlChart:
    """Where the newest periods stand; figures are on the scale of the values."""

    centre: float
    """Level of the earlier periods."""

    weighted: float
    """Weighted mean of the watched periods, on the scale of the newest one."""

    low: float
    high: float
    """No alarm on either side while the weighted mean lies between these."""

    next_low: float
    next_high: float
    """90 % of the next values lie between these if nothing has changed."""

    p_low: float
    """Probability of a weighted mean this low or lower though nothing has changed."""

    p_high: float
    low_alarms: tuple[bool, ...]
    """Of each watched period: whether a chart that ended there was in alarm on the low side."""

    high_alarms: tuple[bool, ...]
    dispersion: float
    """Variance of the earlier periods as a multiple of their sampling variance."""

    autocorrelation: float
    """Of neighbouring periods, 0 to 0.8, corrected for the shortness of the series."""

    baseline: int
    """Earlier periods."""


def watch_level(
    values: npt.ArrayLike,
    variances: npt.ArrayLike,
    watched: int,
    false_alarm_rate: float = FALSE_ALARM_RATE,
) -> ControlChart:
    """Compare the newest periods with the level of those before them.

    Formula: z = (x - centre) / sqrt(variance), centre precision-weighted over the m earlier
    periods, dispersion = sum z² / (m - 1). E = sum 0.3 x 0.7^(age) z over the watched periods;
    E / SE(E) is t with m - 1 degrees of freedom, SE with the dispersion, the error of the centre,
    and correlations r^lag. r is what the series shows, r1 + (1 + 4 r1) / m, and one standard error
    sqrt((1 - r1²) / m) more, within 0 and 0.8: charts with r alone, which is too small as often as
    too large, call up to 2.5 % false alarms where 0.5 % are meant.

    Args:
        values: Ascending in time, shape ``(n,)``, nothing missing, on a scale where errors are
            nearly normal.
        variances: Their sampling variances, positive, shape ``(n,)``.
        watched: Newest periods that are judged, at least 1; all others are the baseline.
        false_alarm_rate: For one look at one side.

    Raises:
        InvalidInput: Shapes differ, or a figure is missing or impossible.
        NotEnoughData: Fewer than 20 earlier periods, or they are all alike.

    Source:
        EWMA: Lucas & Saccucci (1990), doi:10.1080/00401706.1990.10484583; over-dispersion: Laney
        (2002), doi:10.1081/QEN-120006555; small-sample bias of r1: Kendall (1954),
        doi:10.1093/biomet/41.3-4.403.

    Example:
        >>> x = [50.0, 52, 48, 51, 49] * 5 + [44.0, 44, 43]
        >>> chart = watch_level(x, [1.0] * 28, 3)
        >>> round(chart.centre, 1), chart.low_alarms, chart.p_low < 0.001
        (50.0, (True, True, True), True)
    """
    x, v = np.asarray(values, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if x.ndim != 1 or x.shape != v.shape or not (np.isfinite(x).all() and (v > 0).all()):
        raise InvalidInput("a chart needs one finite value and one positive variance a period")
    m = len(x) - watched
    if watched < 1 or m < MINIMUM_BASELINE:
        raise NotEnoughData(
            f"a chart needs {MINIMUM_BASELINE} periods before the {watched} that it watches, "
            f"found {max(m, 0)}"
        )
    precision = float((1 / v[:m]).sum())
    centre = float((x[:m] / v[:m]).sum()) / precision
    z = (x - centre) / np.sqrt(v)
    dispersion = float((z[:m] ** 2).sum()) / (m - 1)
    if dispersion < 1e-12:
        raise NotEnoughData("a chart needs earlier periods that differ; all have the same value")
    shown, rho = _autocorrelation(z[:m])
    centre_variance = (1 + rho) / (1 - rho) / precision
    quantile = -float(special.stdtrit(m - 1, checked_level(false_alarm_rate)))
    shares, errors = np.empty(watched), np.empty(watched)
    for at in range(watched):
        weights = EWMA_WEIGHT * (1 - EWMA_WEIGHT) ** np.arange(at, -1, -1)
        now = slice(m, m + at + 1)
        related = rho ** np.abs(np.subtract.outer(np.arange(at + 1), np.arange(at + 1)))
        of_centre = float((weights / np.sqrt(v[now])).sum()) ** 2 * centre_variance
        errors[at] = math.sqrt(dispersion * (float(weights @ related @ weights) + of_centre))
        shares[at] = float(weights @ z[now]) / errors[at]
    # Back from standard errors of the newest period to values.
    unit = math.sqrt(v[-1]) * float(errors[-1]) / float(weights.sum())
    usual = float(np.median(v[:m]))
    half = -float(special.stdtrit(m - 1, 0.05)) * math.sqrt(dispersion * (usual + centre_variance))
    return ControlChart(
        centre=centre,
        weighted=centre + unit * float(shares[-1]),
        low=centre - unit * quantile,
        high=centre + unit * quantile,
        next_low=centre - half,
        next_high=centre + half,
        p_low=float(special.stdtr(m - 1, shares[-1])),
        p_high=float(special.stdtr(m - 1, -shares[-1])),
        low_alarms=tuple((shares < -quantile).tolist()),
        high_alarms=tuple((shares > quantile).tolist()),
        dispersion=dispersion,
        autocorrelation=shown,
        baseline=m,
    )


def watch_rate(
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    watched: int,
    false_alarm_rate: float = FALSE_ALARM_RATE,
) -> ControlChart:
    """Compare the newest rates with those before them; the chart's figures are rates, 0 to 1.

    Formula: as ``watch_level``, on the stabilised scale less what the stabilised value of a rate
    from n trials exceeds that of the rate itself on average: without that a rate of nearly 0 would
    seem to rise when there are fewer trials.

    Args:
        successes: Cases that count, ascending in time, shape ``(n,)``.
        trials: Cases, at least 1, shape ``(n,)``.
        watched: Newest periods that are judged, at least 1; all others are the baseline.
        false_alarm_rate: For one look at one side.

    Raises:
        InvalidInput: Shapes differ, or counts are impossible.
        NotEnoughData: Fewer than 20 earlier periods, or their rates are all alike.

    Example:
        >>> chart = watch_rate([90, 88, 91, 89, 92] * 5 + [75, 77], [100] * 27, 2)
        >>> round(chart.centre, 2), chart.low_alarms
        (0.9, (True, True))
    """
    values, variances = stabilize_rates(successes, trials)
    x, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    m = max(len(x) - watched, 1)
    rate = float(x[:m].sum() / n[:m].sum())
    bias = {size: _bias(rate, int(size)) for size in np.unique(n).tolist()}
    chart = watch_level(
        values - np.array([bias[size] for size in n.tolist()]), variances, watched, false_alarm_rate
    )
    newest, usual = float(n[-1]), float(np.sort(n[:m])[m // 2])

    def restored(value: float, size: float) -> float:
        count = rate_of(value + bias[size]) * (size + 0.75) - 0.375
        return min(max(count / size, 0.0), 1.0)

    return replace(
        chart,
        centre=rate,
        weighted=restored(chart.weighted, newest),
        low=restored(chart.low, newest),
        high=restored(chart.high, newest),
        next_low=restored(chart.next_low, usual),
        next_high=restored(chart.next_high, usual),
    )


def _bias(rate: float, trials: int) -> float:
    if trials > _EXACT_TRIALS:
        return 0.0
    counts = np.arange(trials + 1)
    values, _ = stabilize_rates(counts, np.full(trials + 1, trials))
    ways = special.gammaln(trials + 1) - special.gammaln(counts + 1)
    ways -= special.gammaln(trials - counts + 1)
    chances = np.exp(ways + special.xlogy(counts, rate) + special.xlog1py(trials - counts, -rate))
    return float(chances @ values) - math.asin(math.sqrt(rate))


def _autocorrelation(z: FloatArray) -> tuple[float, float]:
    """Return the autocorrelation that the series shows, and the one that limits allow for."""
    around, m = z - z.mean(), len(z)
    first = float((around[1:] * around[:-1]).sum() / (around**2).sum())
    shown = max(first + (1 + 4 * first) / m, 0.0)
    return min(shown, 0.8), min(shown + math.sqrt((1 - first * first) / m), 0.8)
