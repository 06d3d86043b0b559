"""The mean of responses that cluster in organizations: robust error, degrees of freedom, interval.

For: means whose people share an organization. Not for: independent observations (``intervals``).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level


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
    counts, totals = np.asarray(sizes, dtype=np.float64), np.asarray(sums, dtype=np.float64)
    if counts.ndim != 1 or counts.shape != totals.shape:
        raise InvalidInput(f"sizes and sums differ in shape: {counts.shape} and {totals.shape}")
    if not (np.isfinite(counts).all() and np.isfinite(totals).all() and (counts >= 0).all()):
        raise InvalidInput("sizes and sums must be finite, and sizes not negative")
    totals, counts = totals[counts > 0], counts[counts > 0]
    if counts.size < 2:
        raise NotEnoughData(f"a cluster-robust mean needs at least 2 clusters, found {counts.size}")
    number = float(counts.sum())
    mean = float(totals.sum() / number)
    share = counts / number
    variance = float(((totals - counts * mean) ** 2 / (1 - share)).sum() / number**2)
    q = share**2 / (1 - share)
    freedom = float(1 / ((share**2).sum() + q.sum() ** 2 - (q**2).sum()))
    error = math.sqrt(variance)
    half = -float(special.stdtrit(freedom, (1 - checked_level(level)) / 2)) * error
    interval = ConfidenceInterval(level, mean - half, mean + half, "cluster_robust_cr2")
    return ClusteredMean(mean, error, freedom, int(counts.size), int(number), interval)
