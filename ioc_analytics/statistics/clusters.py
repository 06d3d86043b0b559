"""Means and rates of responses that cluster in organizations: error, interval, design effect.

For: figures whose people share an organization. Not for: independent observations (``intervals``).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level

ASSUMED_ICC: Final = 0.05
"""Correlation within organizations that is taken where nothing varies: at 0 % and 100 %."""


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """A mean over clusters; every figure is in the unit of the observations."""

    mean: float
    standard_error: float
    degrees_of_freedom: float
    clusters: int
    sample_size: int
    confidence_interval: ConfidenceInterval


def clustered_mean(
    sizes: npt.ArrayLike, sums: npt.ArrayLike, level: float = DEFAULT_LEVEL
) -> ClusteredMean:
    """Return the mean of all observations with a cluster-robust interval.

    Formula, with w the share of a cluster in all N observations: variance
    sum((sum_g - n_g mean)^2 / (1 - w_g)) / N^2 (CR2, independent working model); Satterthwaite
    degrees of freedom 1 / (sum w^2 + (sum q)^2 - sum q^2) with q = w^2 / (1 - w).

    Args:
        sizes: Observations per cluster, shape ``(n_clusters,)``; clusters of 0 are left out.
        sums: Sum of the observations per cluster, same shape, nothing missing.
        level: Confidence between 0 and 1.

    Raises:
        InvalidInput: Shapes differ, a size is negative, or a figure is not finite.
        NotEnoughData: Fewer than 2 clusters have observations.

    Source:
        Pustejovsky & Tipton (2018), doi:10.1080/07350015.2016.1247004; R: clubSandwich,
        ``conf_int(lm(y ~ 1), vcov = "CR2", cluster = g, test = "Satterthwaite")``.

    Example:
        >>> found = clustered_mean([2, 2, 2], [2.0, 4.0, 6.0])
        >>> round(found.mean, 4), round(found.degrees_of_freedom, 4)
        (2.0, 2.0)
    """
    mean, variance, freedom, counts = _robust(sizes, sums)
    error = math.sqrt(variance)
    half = -float(special.stdtrit(freedom, (1 - checked_level(level)) / 2)) * error
    interval = ConfidenceInterval(level, mean - half, mean + half, "cluster_robust_cr2")
    return ClusteredMean(mean, error, freedom, counts.size, int(counts.sum()), interval)


@dataclass(frozen=True, slots=True)
class ClusteredRate:
    """A rate over clusters, as a share of 1."""

    rate: float
    degrees_of_freedom: float
    clusters: int
    sample_size: int
    design_effect: float
    """How many times as large as that of independent people its variance is; 1 at least."""

    effective_sample_size: float
    """So many independent people would say as much."""

    confidence_interval: ConfidenceInterval


def clustered_rate(
    sizes: npt.ArrayLike, successes: npt.ArrayLike, level: float = DEFAULT_LEVEL
) -> ClusteredRate:
    """Return the rate among all observations with Wilson's interval on the effective sample size.

    Formula: design effect = CR2 variance of the rate (see ``clustered_mean``) / (p (1 - p) / N), 1
    at least; Wilson's limits with N / design effect cases, and with Student's quantile at the
    Satterthwaite degrees of freedom for z. Where p is 0 or 1 nothing varies to estimate from:
    Kish's 1 + (sum n_g^2 / N - 1) ``ASSUMED_ICC`` stands in, and the method says so.

    Args:
        sizes: Observations per cluster, shape ``(n_clusters,)``; clusters of 0 are left out.
        successes: Those of them that count, same shape.
        level: Confidence between 0 and 1.

    Raises:
        InvalidInput: Shapes differ, a count is impossible, or a figure is not finite.
        NotEnoughData: Fewer than 2 clusters have observations.

    Source:
        Dean & Pagano (2015), doi:10.1093/jssam/smv024; Kish (1965), Survey Sampling, section 5.4.

    Example:
        >>> found = clustered_rate([10, 10, 10, 10], [2, 4, 6, 8])
        >>> found.rate, round(found.design_effect, 4)
        (0.5, 2.6667)
    """
    rate, variance, freedom, counts = _robust(sizes, successes)
    hits = np.asarray(successes, dtype=np.float64)
    if (hits < 0).any() or (hits > np.asarray(sizes, dtype=np.float64)).any():
        raise InvalidInput("successes must lie between 0 and the size of their cluster")
    number = float(counts.sum())
    has_both = 0 < rate < 1
    if has_both:
        effect = max(variance * number / (rate * (1 - rate)), 1.0)
    else:
        effect = 1 + (float((counts**2).sum()) / number - 1) * ASSUMED_ICC
    effective = number / effect
    t = -float(special.stdtrit(freedom, (1 - checked_level(level)) / 2))
    spread = t * math.sqrt(rate * (1 - rate) / effective + (t / (2 * effective)) ** 2)
    scale = 1 + t * t / effective
    middle = rate + t * t / (2 * effective)
    # Rounding may leave 1e-17 instead of 0, or 1 + 1e-16.
    low = 0.0 if rate == 0 else (middle - spread) / scale
    high = 1.0 if rate == 1 else (middle + spread) / scale
    method = "wilson_effective_n" if has_both else "wilson_effective_n_assumed_icc"
    interval = ConfidenceInterval(level, low, high, method)
    return ClusteredRate(rate, freedom, counts.size, int(number), effect, effective, interval)


def design_effect(standard_error: float, std_dev: float, sample_size: int) -> float | None:
    """Return how many times as large as that of independent people the variance of a mean is.

    Formula: error^2 / (SD^2 / n); None where nothing varies.

    Source:
        Kish (1965), Survey Sampling, section 8.2.

    Example:
        >>> design_effect(standard_error=2.0, std_dev=10.0, sample_size=100)
        4.0
    """
    return standard_error**2 * sample_size / std_dev**2 if std_dev > 0 else None


def _robust(
    sizes: npt.ArrayLike, sums: npt.ArrayLike
) -> tuple[float, float, float, npt.NDArray[np.float64]]:
    """Return mean, CR2 variance, degrees of freedom, and the sizes of clusters not empty."""
    counts, totals = np.asarray(sizes, dtype=np.float64), np.asarray(sums, dtype=np.float64)
    if counts.ndim != 1 or counts.shape != totals.shape:
        raise InvalidInput(f"sizes and sums differ in shape: {counts.shape} and {totals.shape}")
    if not (np.isfinite(counts).all() and np.isfinite(totals).all() and (counts >= 0).all()):
        raise InvalidInput("sizes and sums must be finite, and sizes not negative")
    totals, counts = totals[counts > 0], counts[counts > 0]
    if counts.size < 2:
        raise NotEnoughData(
            f"a cluster-robust interval needs at least 2 clusters, found {counts.size}"
        )
    number = float(counts.sum())
    mean = float(totals.sum() / number)
    share = counts / number
    variance = float(((totals - counts * mean) ** 2 / (1 - share)).sum() / number**2)
    q = share**2 / (1 - share)
    freedom = float(1 / ((share**2).sum() + q.sum() ** 2 - (q**2).sum()))
    return mean, variance, freedom, counts
