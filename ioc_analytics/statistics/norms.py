"""Where a score stands in a norm group: the mid-rank percentile, and how sure that is.

For: norm tables and scoring with them. Not for: which group a person belongs to, or keeping the
tables (``states.norms``).
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.statistics.counts import FloatArray, observed_counts
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level


def mid_rank_percentiles(
    values: npt.ArrayLike, counts: npt.ArrayLike, scores: npt.ArrayLike
) -> FloatArray:
    """Return the percentile of scores: the share of the group below, plus half of its equals.

    Formula: 100 (below + equal/2)/n. It is symmetric (the percentiles of a score and of its mirror
    image add up to 100) and averages 50 within the group.

    Args:
        values: Distinct scores of the norm group, ascending.
        counts: How often each occurs.
        scores: Scores to place, any shape; they need not occur in the group. NaN stays NaN, which
            stands for *missing* here.

    Returns:
        Percentiles, 0 to 100, shape of ``scores``.

    Raises:
        InvalidInput: Values and counts are impossible, or a score is infinite.
        NotEnoughData: The norm group is empty.

    Source:
        Crawford, Garthwaite & Slick (2009), doi:10.1080/13854040902795018 (definition B);
        R: ``100 * (colMeans(outer(x, s, "<")) + colMeans(outer(x, s, "==")) / 2)``.

    Example:
        >>> mid_rank_percentiles([40.0, 50.0, 60.0], [1, 2, 1], [50.0, 55.0, 30.0]).tolist()
        [50.0, 75.0, 0.0]
    """
    points, weights = observed_counts(values, counts)
    wanted = np.asarray(scores, dtype=np.float64)
    if np.isinf(wanted).any():
        raise InvalidInput("a score to place is infinite")
    running = np.concatenate([[0], np.cumsum(weights)])
    below = running[np.searchsorted(points, wanted, side="left")]
    through = running[np.searchsorted(points, wanted, side="right")]
    percentile = 100.0 * (below + (through - below) / 2) / running[-1]
    return np.asarray(np.where(np.isnan(wanted), np.nan, percentile))


def mid_rank_interval(
    values: npt.ArrayLike, counts: npt.ArrayLike, score: float, level: float = DEFAULT_LEVEL
) -> ConfidenceInterval:
    """Return the interval of a score's mid-rank percentile: the norm group is a sample.

    A member of the group counts 1 below the score, 1/2 at it and 0 above; the percentile is the
    mean of that. Formula: Wilson's interval with the variance of such a count, theta(1 - theta) -
    q/4, instead of theta(1 - theta), where q is the share of equals, e/(n + z²): it solves
    (p - theta)² = z²/n (theta(1 - theta) - q/4). Without equals it is Wilson's own.

    Args:
        values: Distinct scores of the norm group, ascending.
        counts: How often each occurs.
        score: The score that was placed.
        level: Confidence between 0 and 1.

    Returns:
        Limits as percentiles, 0 to 100.

    Raises:
        InvalidInput: Values, counts or level are impossible, or the score is not finite.
        NotEnoughData: The norm group is empty.

    Source:
        Wilson (1927), doi:10.1080/01621459.1927.10502953, and the mid-rank's variance as in
        Crawford, Garthwaite & Slick (2009), doi:10.1080/13854040902795018;
        R: ``polyroot`` of the equation above (``make_norms_reference.R``).

    Example:
        >>> interval = mid_rank_interval([40.0, 50.0, 60.0], [30, 40, 30], 50.0)
        >>> round(interval.low, 1), round(interval.high, 1)
        (42.5, 57.5)
    """
    points, weights = observed_counts(values, counts)
    if not math.isfinite(score):
        raise InvalidInput(f"a score to place must be finite, found {score}")
    z = -float(special.ndtri((1 - checked_level(level)) / 2))
    size = int(weights.sum())
    equal = int(weights[points == score].sum())
    share = (int(weights[points < score].sum()) + equal / 2) / size
    ties = equal / (size + z * z)
    step = z * z / size
    spread = math.sqrt(step * (4 * share * (1 - share) - ties + step * (1 - ties)))
    low, high = ((2 * share + step + sign * spread) / (2 * (1 + step)) for sign in (-1.0, 1.0))
    # Rounding may leave 1e-17 instead of 0.
    return ConfidenceInterval(
        level,
        0.0 if share == 0 else 100 * low,
        100.0 if share == 1 else 100 * high,
        "wilson_mid_rank",
    )
