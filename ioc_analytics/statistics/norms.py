"""Where a score stands in a norm group: the mid-rank percentile.

For: norm tables and scoring with them. Not for: which group a person belongs to, or keeping the
tables (``states.norms``).
"""

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.statistics.counts import FloatArray, observed_counts


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
