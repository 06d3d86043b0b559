"""Who, or what month, lies far off: Mahalanobis distance, robust z, Tukey's fences, own history.

For: outliers of the trait vector and of single traits, months of a segment that break with its
past. Not for: careless sheets (``careless``), or saying that an outlier is wrong: a far score is a
reason to look.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.counts import FloatArray, IntArray, observed_counts
from ioc_analytics.statistics.distributions import describe_counts, percentiles

MAD_SCALE: Final = 1.4826
"""Turns a median absolute deviation into the SD of a normal distribution."""

ROBUST_Z_LIMIT: Final = 3.5
"""Beyond this a robust z counts as an outlier (Iglewicz & Hoaglin 1993): 1 of 2,100 if normal."""

FENCE_FACTOR: Final = 1.5
"""Tukey's fences lie this many quartile distances outside: 7 of 1,000 lie beyond if normal."""

FEWEST_PAST: Final = 6
"""Fewest past points that a new one is judged against."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits outside of which a value counts as an outlier, and how many lie there."""

    method: str
    """``robust_z`` or ``tukey``."""

    low: float | None
    """None where the spread is 0, and then ``reason`` says so."""

    high: float | None
    below: int
    """Observations under the low limit."""

    above: int
    """Observations over the high limit."""

    sample_size: int
    reason: str | None = None


def mahalanobis_squared(
    vectors: npt.ArrayLike, mean: npt.ArrayLike, covariance: npt.ArrayLike
) -> FloatArray:
    """Return the squared Mahalanobis distance of each vector.

    Formula: (x - mean)' covariance⁻¹ (x - mean).

    Args:
        vectors: Shape ``(n, k)``.
        mean: Shape ``(k,)``.
        covariance: Shape ``(k, k)``, of full rank.

    Returns:
        Shape ``(n,)``, 0 or more; NaN, which stands for *missing* here, where a value is missing.

    Raises:
        InvalidInput: Shapes do not fit.
        NotEnoughData: The covariance has not full rank: a column is constant, or a sum of others.

    Source:
        Mahalanobis (1936); R: ``mahalanobis(x, mean, covariance)``.

    Example:
        >>> mahalanobis_squared([[3.0, 0.0], [0.0, 2.0]], [0.0, 0.0], [[1.0, 0.0], [0.0, 4.0]])
        array([9., 1.])
    """
    x = np.asarray(vectors, dtype=np.float64)
    centre, matrix = (np.asarray(part, dtype=np.float64) for part in (mean, covariance))
    if x.ndim != 2 or centre.shape != x.shape[1:] or matrix.shape != centre.shape * 2:
        raise InvalidInput(
            f"vectors {x.shape}, mean {centre.shape} and covariance {matrix.shape} do not fit"
        )
    if np.linalg.matrix_rank(matrix, hermitian=True) < len(matrix):
        raise NotEnoughData(
            "distances need columns that vary and are no sums of each other: leave some out"
        )
    root = np.linalg.solve(np.linalg.cholesky(matrix), (x - centre).T)
    return np.asarray((root * root).sum(axis=0))


def distance_p_values(
    squared: npt.ArrayLike, sample_size: int, columns: int, *, largest: float = 1.0
) -> FloatArray:
    """Return how likely a distance as large is, if vectors are normal.

    Formula: d² n/(n-1)² is Beta(k/2, (n-k-1)/2) where mean and covariance are those of the same n
    vectors; chi squared would be its limit.

    Args:
        squared: Squared distances; NaN stays.
        sample_size: Vectors behind mean and covariance, more than ``columns + 1``.
        columns: Length of a vector.
        largest: Larger p-values are all given as 1. Beta tails cost most of the time, and who looks
            for far vectors needs none of the near ones; Benjamini-Hochberg's values up to
            ``largest`` stay what they are, for they come from p-values that are smaller still.

    Raises:
        NotEnoughData: Too few vectors.

    Source:
        Wilks (1963), https://www.jstor.org/stable/25049292;
        R: ``pbeta(d2 * n / (n - 1)^2, k / 2, (n - k - 1) / 2, lower.tail = FALSE)``.

    Example:
        >>> distance_p_values([0.0, 11.07], 100_000, 5).round(3).tolist()
        [1.0, 0.05]
    """
    if sample_size <= columns + 1:
        raise NotEnoughData(
            f"distances over {columns} columns need at least {columns + 2} vectors, "
            f"found {sample_size}"
        )
    share = np.asarray(squared, dtype=np.float64) * sample_size / (sample_size - 1) ** 2
    shape = columns / 2, (sample_size - columns - 1) / 2
    # The inverse is rounded: a hair more is computed than is asked for, then cut exactly.
    nearest = special.betainccinv(*shape, largest) * (1 - 1e-6)
    is_near = share < nearest
    tail = np.ones_like(share)
    tail[~is_near] = special.betaincc(*shape, np.clip(share[~is_near], 0.0, 1.0))
    tail[tail > largest] = 1.0
    return tail


def robust_limits(
    values: npt.ArrayLike, counts: npt.ArrayLike, limit: float = ROBUST_Z_LIMIT
) -> Limits:
    """Return the limits of the robust z: median ± limit * 1.4826 * MAD.

    Args:
        values: Distinct values, ascending.
        counts: How often each occurs.
        limit: Largest robust z that is no outlier.

    Raises:
        InvalidInput: Values and counts are impossible, or the limit is not positive.
        NotEnoughData: There is no observation.

    Source:
        Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers;
        R: ``abs(x - median(x)) / mad(x) > 3.5``.

    Example:
        >>> found = robust_limits([40.0, 50.0, 60.0, 100.0], [2, 4, 2, 1])
        >>> round(found.low, 3), round(found.high, 3), found.above
        (-1.891, 101.891, 0)
    """
    points, weights = observed_counts(values, counts)
    d = describe_counts(points, weights, edges=None)
    half = _positive(limit) * MAD_SCALE * d.median_absolute_deviation
    if half == 0:
        reason = "more than half of the scores are equal"
        return Limits("robust_z", None, None, 0, 0, d.sample_size, reason)
    return _limits("robust_z", points, weights, d.median - half, d.median + half)


def tukey_fences(
    values: npt.ArrayLike, counts: npt.ArrayLike, factor: float = FENCE_FACTOR
) -> Limits:
    """Return Tukey's fences: quartiles ± factor * (third - first quartile), quartiles of type 7.

    Args:
        values: Distinct values, ascending.
        counts: How often each occurs.
        factor: 1.5 for outside, 3 for far out.

    Raises:
        InvalidInput: Values and counts are impossible, or the factor is not positive.
        NotEnoughData: There is no observation.

    Source:
        Tukey (1977), Exploratory Data Analysis;
        R: ``quantile(x, c(.25, .75)) + c(-1.5, 1.5) * IQR(x)``.

    Example:
        >>> found = tukey_fences([40.0, 50.0, 60.0, 100.0], [2, 4, 2, 1])
        >>> found.low, found.high, found.above
        (35.0, 75.0, 1)
    """
    points, weights = observed_counts(values, counts)
    first, third = percentiles(points, weights, (25, 75))
    reach = _positive(factor) * (third - first)
    if reach == 0:
        reason = "the middle half of the scores is equal"
        return Limits("tukey", None, None, 0, 0, int(weights.sum()), reason)
    return _limits("tukey", points, weights, first - reach, third + reach)


def standardize_against_past(
    value: float, squared_error: float, past: Sequence[float], past_errors: Sequence[float]
) -> tuple[float, float]:
    """Return how far a mean lies from the median of its own past, and the error of that distance.

    The judged point is no part of its past: it would pull the median and hide itself. The variance
    is that of the point plus that of a median of m points, pi/2 times the mean past variance over
    m.

    Args:
        value: The mean that is judged.
        squared_error: Its squared standard error.
        past: Earlier means, at least 6.
        past_errors: Their squared standard errors.

    Returns:
        The distance, and its standard error as far as sampling alone explains it.

    Raises:
        NotEnoughData: Fewer than 6 past points.

    Example:
        >>> past = [50.0, 51.0, 49.0, 50.0, 52.0, 48.0]
        >>> distance, error = standardize_against_past(60.0, 1.0, past, [1.0] * 6)
        >>> distance, round(error, 4)
        (10.0, 1.1233)
    """
    if len(past) < FEWEST_PAST:
        raise NotEnoughData(
            f"a point is judged against at least {FEWEST_PAST} earlier ones, found {len(past)}"
        )
    error = squared_error + math.pi / 2 * float(np.mean(past_errors)) / len(past)
    return value - float(np.median(past)), math.sqrt(error)


def overdispersion(standardized: npt.ArrayLike) -> float:
    """Return the factor by which points scatter more than sampling explains, at least 1.

    Formula: 1.4826 times the median of the absolute standardized distances; at least 1, because
    luck must not make the judge stricter than sampling.

    Args:
        standardized: Distances over their standard errors, of points that nobody suspects.

    Raises:
        NotEnoughData: There is no distance.

    Source:
        Spiegelhalter (2005), doi:10.1002/sim.1970, with the median in the place of the winsorized
        mean; R: ``max(1, 1.4826 * median(abs(z)))``.

    Example:
        >>> round(overdispersion([1.0, -2.0, 3.0]), 4)
        2.9652
    """
    z = np.abs(np.asarray(standardized, dtype=np.float64))
    if not z.size:
        raise NotEnoughData("over-dispersion needs at least one distance, found none")
    return max(1.0, MAD_SCALE * float(np.median(z)))


def _limits(method: str, points: FloatArray, weights: IntArray, low: float, high: float) -> Limits:
    below, above = int(weights[points < low].sum()), int(weights[points > high].sum())
    return Limits(method, float(low), float(high), below, above, int(weights.sum()))


def _positive(factor: float) -> float:
    if not (math.isfinite(factor) and factor > 0):
        raise InvalidInput(f"the limit is {factor}, it must be above 0, such as 3.5")
    return factor
