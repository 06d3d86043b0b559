"""The distribution of a score: moments, percentiles, histogram, from counts per distinct value.

For: traits, and any other figure of which many people have few distinct values. Not for: relations
between two scores (``moments``, ``correlation``) or the agreement of items (``reliability``).

A figure from merged counts equals the figure from the raw rows to the last bit, because a sample is
counted before anything else is done with it (``counts``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.statistics.counts import (
    FloatArray,
    IntArray,
    checked_counts,
    count_distinct,
    observed_counts,
)
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, mean_interval

STANDARD_PERCENTILES: Final = (5, 10, 25, 50, 75, 90, 95)
"""The percentiles that every distribution carries."""

SCORE_BIN_EDGES: Final = tuple(float(edge) for edge in range(0, 101, 5))
"""Bins of a 0..100 score: twenty of 5 points, each [low, high), the last one [95, 100]."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many observations fall into each bin."""

    edges: tuple[float, ...]
    """Bin limits, ascending, one more than bins; a bin holds its low limit, the last one both."""

    counts: tuple[int, ...]
    """Observations per bin; they add up to the sample size."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """What is known of one score in one group; every figure is in the score's own unit.

    With one observation, ``std_dev``, ``standard_error`` and ``confidence_interval`` are None. With
    no variation (one observation, or all equal), ``skewness`` and ``kurtosis`` are None. Nothing
    else is ever None, except ``histogram`` where it was not asked for.
    """

    sample_size: int
    """Number of observations that are not missing, at least 1."""

    average: float
    """Arithmetic mean."""

    std_dev: float | None
    """Standard deviation with n-1."""

    standard_error: float | None
    """Standard error of the mean, ``std_dev / sqrt(n)``."""

    confidence_interval: ConfidenceInterval | None
    """Student's interval of the mean."""

    minimum: float
    """Smallest observation."""

    maximum: float
    """Largest observation."""

    percentiles: Mapping[int, float]
    """Percentiles by their percentage, interpolated as PERCENTILE_CONT does (type 7)."""

    median: float
    """The 50th percentile."""

    median_absolute_deviation: float
    """Median of the distances from the median, not scaled by 1.4826."""

    skewness: float | None
    """Third moment over the cubed ``std_dev`` (psych's type 3)."""

    kurtosis: float | None
    """Fourth moment over the fourth power of ``std_dev``, minus 3 (psych's type 3)."""

    histogram: Histogram | None
    """Counts per bin of the stated edges."""


def percentiles(
    values: npt.ArrayLike, counts: npt.ArrayLike, percentages: Sequence[float]
) -> tuple[float, ...]:
    """Return percentiles exactly as PostgreSQL's PERCENTILE_CONT computes them.

    Formula: with h = p (n-1), lo and hi the observations of rank floor(h) and ceil(h) (from 0):
    lo + (h - floor(h)) * (hi - lo), in this order of operations, in double precision: equal to the
    server's figure in every bit (on a server whose compiler does not fuse the multiplication and
    the addition, which x86-64 builds do not). This is R's type 7. numpy's ``linear`` is the same
    formula but counts down from hi when the fraction is 0.5 or more, so its last bit may differ.

    Args:
        values: Distinct values, ascending, shape ``(n_distinct,)``.
        counts: How often each occurs, 0 or more, shape ``(n_distinct,)``.
        percentages: Which percentiles, 0 to 100 each.

    Raises:
        InvalidInput: Values, counts or percentages are impossible.
        NotEnoughData: There is no observation (minimum n: 1).

    Source:
        Hyndman & Fan (1996), doi:10.1080/00031305.1996.10473566; R: ``quantile(x, p, type = 7)``.

    Example:
        >>> percentiles([10.0, 20.0, 40.0], [1, 2, 1], [25, 50, 90])
        (17.5, 20.0, 34.0)
    """
    points, weights = observed_counts(values, counts)
    if not all(0 <= percentage <= 100 for percentage in percentages):
        raise InvalidInput(f"percentages must lie between 0 and 100, found {list(percentages)}")
    running = np.cumsum(weights)
    # One division of exact numbers: 5 / 100 is the very double that SQL reads as 0.05.
    heights = np.asarray(percentages, dtype=np.float64) / 100.0 * float(running[-1] - 1)
    floors = np.floor(heights)
    lows = points[np.searchsorted(running, floors, side="right")]
    highs = points[np.searchsorted(running, np.ceil(heights), side="right")]
    return tuple(float(value) for value in lows + (heights - floors) * (highs - lows))


def count_bins(
    values: npt.ArrayLike, counts: npt.ArrayLike, edges: Sequence[float] = SCORE_BIN_EDGES
) -> Histogram:
    """Return how many observations fall into each bin.

    Bins hold their low limit and not their high one; the last bin holds both.

    Args:
        values: Distinct values, ascending, shape ``(n_distinct,)``.
        counts: How often each occurs, 0 or more, shape ``(n_distinct,)``.
        edges: Bin limits, ascending, at least two.

    Raises:
        InvalidInput: An observation lies outside the bins, or the edges do not ascend.

    Source:
        R: ``hist(x, breaks = edges, right = FALSE, include.lowest = TRUE)$counts``.

    Example:
        >>> count_bins([0.0, 5.0, 100.0], [1, 2, 3]).counts[:2]
        (1, 2)
    """
    points, weights = checked_counts(values, counts)
    limits = np.asarray(edges, dtype=np.float64)
    if limits.size < 2 or (np.diff(limits) <= 0).any():
        raise InvalidInput(f"histogram edges must ascend, and be at least two: {list(edges)}")
    if points.size and (points[0] < limits[0] or points[-1] > limits[-1]):
        raise InvalidInput(
            f"values from {points[0]:g} to {points[-1]:g} do not fit into bins from "
            f"{limits[0]:g} to {limits[-1]:g}"
        )
    places = np.minimum(np.searchsorted(limits, points, side="right") - 1, limits.size - 2)
    totals = np.zeros(limits.size - 1, dtype=np.int64)
    np.add.at(totals, places, weights)
    return Histogram(tuple(limits.tolist()), tuple(totals.tolist()))


def describe_counts(
    values: npt.ArrayLike,
    counts: npt.ArrayLike,
    *,
    level: float = DEFAULT_LEVEL,
    edges: Sequence[float] | None = SCORE_BIN_EDGES,
) -> Distribution:
    """Return the distribution of the observations behind counts per distinct value.

    Formulas, with m_k = sum(c (x - mean)^k) / n and s² = m_2 n/(n-1): skewness m_3 / s³, kurtosis
    m_4 / s⁴ - 3 (type 3). Minimum n: 1 for location, 2 for spread (see ``Distribution``).

    Args:
        values: Distinct values, ascending, shape ``(n_distinct,)``.
        counts: How often each occurs, 0 or more, shape ``(n_distinct,)``.
        level: Confidence of the interval of the mean, between 0 and 1.
        edges: Bin limits of the histogram, None for no histogram; the default fits 0..100 scores.

    Raises:
        InvalidInput: Values do not ascend, counts are negative, or a value is outside the bins.
        NotEnoughData: There is no observation.

    Source:
        Joanes & Gill (1998), doi:10.1111/1467-9884.00122; R: ``mean sd min max mad(constant = 1)``,
        ``quantile(type = 7)``, ``t.test(x)$conf.int``, ``psych::skew(x, type = 3)``,
        ``psych::kurtosi(x, type = 3)``.

    Example:
        >>> result = describe_counts([25.0, 50.0, 75.0, 100.0], [1, 2, 1, 1])
        >>> result.sample_size, result.average, result.median, round(result.std_dev, 4)
        (5, 60.0, 50.0, 28.5044)
    """
    points, weights = observed_counts(values, counts)
    sample_size = int(weights.sum())
    mean = (points * weights).sum() / sample_size
    # A constant such as 33.3 comes back one last bit away from itself otherwise.
    average = float(min(max(mean, points[0]), points[-1]))
    std_dev, skewness, kurtosis = _shape(points - average, weights, sample_size)
    quantiles = percentiles(points, weights, STANDARD_PERCENTILES)
    by_percentage = dict(zip(STANDARD_PERCENTILES, quantiles, strict=True))
    error = None if std_dev is None else std_dev / float(np.sqrt(sample_size))
    return Distribution(
        sample_size=sample_size,
        average=average,
        std_dev=std_dev,
        standard_error=error,
        confidence_interval=(
            None if error is None else mean_interval(average, error, sample_size, level)
        ),
        minimum=float(points[0]),
        maximum=float(points[-1]),
        percentiles=by_percentage,
        median=by_percentage[50],
        median_absolute_deviation=_median_distance(points, weights, by_percentage[50]),
        skewness=skewness,
        kurtosis=kurtosis,
        histogram=None if edges is None else count_bins(points, weights, edges),
    )


def describe_sample(
    sample: npt.ArrayLike,
    *,
    level: float = DEFAULT_LEVEL,
    edges: Sequence[float] | None = SCORE_BIN_EDGES,
) -> Distribution:
    """Return the distribution of a sample; NaN is missing and left out.

    The sample is counted first, so that the order of the observations cannot show, and the result
    is the very same as ``describe_counts`` gives from stored counts.

    Args:
        sample: Numbers of any shape.
        level: Confidence of the interval of the mean, between 0 and 1.
        edges: Bin limits of the histogram, None for no histogram.

    Raises:
        InvalidInput: A value is infinite or outside the bins.
        NotEnoughData: Every value is missing.

    Example:
        >>> describe_sample([40.0, 60.0, float("nan")]).average
        50.0
    """
    return describe_counts(*count_distinct(sample), level=level, edges=edges)


def _shape(
    deviations: FloatArray, weights: IntArray, sample_size: int
) -> tuple[float | None, float | None, float | None]:
    """Return SD, skewness and kurtosis, as far as there is variation to describe."""
    if sample_size == 1:
        return None, None, None
    if deviations.size == 1:
        return 0.0, None, None
    # Skewness and kurtosis do not know the unit: scaling first keeps every power in range.
    scale = float(np.abs(deviations).max())
    scaled = deviations / scale
    std_dev = float(np.sqrt((weights * scaled**2).sum() / (sample_size - 1)))
    skewness = float((weights * scaled**3).sum() / sample_size / std_dev**3)
    kurtosis = float((weights * scaled**4).sum() / sample_size / std_dev**4) - 3
    return std_dev * scale, skewness, kurtosis


def _median_distance(points: FloatArray, weights: IntArray, median: float) -> float:
    distances = np.abs(points - median)
    order = np.argsort(distances, kind="stable")
    running = np.cumsum(weights[order])
    middle = [(running[-1] - 1) // 2, running[-1] // 2]
    low, high = distances[order][np.searchsorted(running, middle, side="right")]
    return float((low + high) / 2)
