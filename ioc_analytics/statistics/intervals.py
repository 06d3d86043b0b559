"""Confidence intervals: of a rate, of a mean, of a quantile.

For: every figure that is shown with its uncertainty. Not for: correlations (``correlation``) and
Cronbach's alpha (``reliability``), which bring intervals of their own, or people who cluster in
organizations: these intervals take observations as independent.

Exact intervals (Clopper-Pearson, order statistics) cover at least the stated level; the others
cover it on average.

Quantiles come from ``scipy.special``: ``scipy.stats`` gives the same ones, but takes seconds to
import, which every command that only scores answers would wait for.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.counts import observed_counts

DEFAULT_LEVEL: Final = 0.95
"""Confidence level where the caller names none."""


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """A range that covers the true value with a stated confidence."""

    level: float
    """Nominal confidence, between 0 and 1 exclusive."""

    low: float
    """Lower limit, in the unit of the figure."""

    high: float
    """Upper limit, in the unit of the figure."""

    method: str
    """How it was computed, such as ``wilson`` or ``student_t``."""


def wilson_interval(
    successes: int, sample_size: int, level: float = DEFAULT_LEVEL
) -> ConfidenceInterval:
    """Return Wilson's score interval of a proportion.

    Formula: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), without continuity correction.
    It stays within 0..1 and holds its level near 0 and 1, where the Wald interval fails.

    Args:
        successes: Number of cases that count, 0 to ``sample_size``.
        sample_size: Number of cases, at least 1.
        level: Confidence between 0 and 1.

    Returns:
        Limits as shares of 1.

    Raises:
        InvalidInput: Counts or level are impossible.
        NotEnoughData: ``sample_size`` is 0.

    Source:
        Wilson (1927), doi:10.1080/01621459.1927.10502953;
        R: ``prop.test(successes, sample_size, correct = FALSE)$conf.int``.

    Example:
        >>> interval = wilson_interval(8, 10)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.4902, 0.9433)
    """
    _check_counts(successes, sample_size)
    z = -float(special.ndtri((1 - checked_level(level)) / 2))
    share = successes / sample_size
    spread = z * math.sqrt(share * (1 - share) / sample_size + (z / (2 * sample_size)) ** 2)
    scale = 1 + z * z / sample_size
    middle = share + z * z / (2 * sample_size)
    # Rounding may leave 1e-17 instead of 0, or 1 + 1e-16.
    low = 0.0 if successes == 0 else (middle - spread) / scale
    high = 1.0 if successes == sample_size else (middle + spread) / scale
    return ConfidenceInterval(level, low, high, "wilson")


def clopper_pearson_interval(
    successes: int, sample_size: int, level: float = DEFAULT_LEVEL
) -> ConfidenceInterval:
    """Return the exact interval of a proportion.

    Formula: quantiles of Beta(x, n-x+1) and Beta(x+1, n-x). It never covers less than ``level``,
    and is wider than Wilson's for that.

    Args:
        successes: Number of cases that count, 0 to ``sample_size``.
        sample_size: Number of cases, at least 1.
        level: Confidence between 0 and 1.

    Returns:
        Limits as shares of 1.

    Raises:
        InvalidInput: Counts or level are impossible.
        NotEnoughData: ``sample_size`` is 0.

    Source:
        Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404;
        R: ``binom.test(successes, sample_size)$conf.int``.

    Example:
        >>> interval = clopper_pearson_interval(8, 10)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.4439, 0.9748)
    """
    _check_counts(successes, sample_size)
    tail = (1 - checked_level(level)) / 2
    failures = sample_size - successes
    low = 0.0 if successes == 0 else float(special.betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures == 0 else float(special.betainccinv(successes + 1, failures, tail))
    return ConfidenceInterval(level, low, high, "clopper_pearson")


def mean_interval(
    mean: float, standard_error: float, sample_size: int, level: float = DEFAULT_LEVEL
) -> ConfidenceInterval:
    """Return Student's interval of a mean: mean ± t(n-1) * standard error.

    Args:
        mean: The sample's mean, any unit.
        standard_error: SD (n-1) divided by the root of n, same unit, 0 or more.
        sample_size: Number of independent observations, at least 2.
        level: Confidence between 0 and 1.

    Raises:
        InvalidInput: The level is not between 0 and 1, or a figure is not finite.
        NotEnoughData: ``sample_size`` is below 2.

    Source:
        Student (1908), doi:10.1093/biomet/6.1.1; R: ``t.test(x)$conf.int``.

    Example:
        >>> interval = mean_interval(mean=50.0, standard_error=2.0, sample_size=25)
        >>> round(interval.low, 4), round(interval.high, 4)
        (45.8722, 54.1278)
    """
    if sample_size < 2:
        raise NotEnoughData(
            f"the interval of a mean needs at least 2 observations, found {sample_size}"
        )
    if not (math.isfinite(mean) and math.isfinite(standard_error) and standard_error >= 0):
        raise InvalidInput(
            f"mean {mean} and standard error {standard_error} must be finite and not negative"
        )
    t = -float(special.stdtrit(sample_size - 1, (1 - checked_level(level)) / 2))
    half = t * standard_error
    return ConfidenceInterval(level, mean - half, mean + half, "student_t")


def quantile_interval(
    values: npt.ArrayLike,
    counts: npt.ArrayLike,
    probability: float,
    level: float = DEFAULT_LEVEL,
) -> ConfidenceInterval:
    """Return the distribution-free interval of a quantile, between two order statistics.

    With B ~ Binomial(n, probability), the ranks are l = the ``(1-level)/2`` quantile of B and
    u = the ``(1+level)/2`` quantile of B plus 1; (x_l, x_u) covers at least ``level``, whatever
    the distribution, ties included.

    Args:
        values: Distinct values, ascending, shape ``(n_distinct,)``.
        counts: How often each occurs, 0 or more, shape ``(n_distinct,)``.
        probability: Which quantile, between 0 and 1 exclusive; 0.5 is the median.
        level: Confidence between 0 and 1.

    Raises:
        InvalidInput: Arguments are impossible.
        NotEnoughData: An end of the interval would lie outside the sample; for a median at 95 %
            that is below 6 observations.

    Source:
        David & Nagaraja (2003), Order Statistics, section 7.1, doi:10.1002/0471722162;
        R: ``sort(x)[c(qbinom(a / 2, n, p), qbinom(1 - a / 2, n, p) + 1)]`` with ``a`` 1 - level.

    Example:
        >>> interval = quantile_interval([10, 20, 30, 40], [5, 5, 5, 5], 0.5)
        >>> interval.low, interval.high
        (20.0, 30.0)
    """
    points, weights = observed_counts(values, counts)
    if not 0 < probability < 1:
        raise InvalidInput(f"probability is {probability}, it must be between 0 and 1")
    tail = (1 - checked_level(level)) / 2
    running = np.cumsum(weights)
    sample_size = int(running[-1])
    low_rank = _binomial_quantile(tail, sample_size, probability)
    high_rank = _binomial_quantile(1 - tail, sample_size, probability) + 1
    if low_rank < 1 or high_rank > sample_size:
        raise NotEnoughData(
            f"{sample_size} observations cannot bound the {probability:g} quantile at a level of "
            f"{level:g}: ask for a lower level, a more central quantile or a wider group"
        )
    low, high = points[np.searchsorted(running, [low_rank, high_rank])]
    return ConfidenceInterval(level, float(low), float(high), "order_statistics")


def checked_level(level: float) -> float:
    """Return the level, or refuse it when it is not strictly between 0 and 1.

    Raises:
        InvalidInput: The level is 0 or less, 1 or more, or not a number.

    Example:
        >>> checked_level(0.9)
        0.9
    """
    if not 0 < level < 1:
        raise InvalidInput(f"confidence level is {level}, it must be between 0 and 1, such as 0.95")
    return level


def _binomial_quantile(share: float, trials: int, probability: float) -> int:
    """Return the smallest number of successes that the share of all cases does not exceed."""
    near = max(int(special.bdtrik(share, trials, probability)) - 1, 0)
    while special.bdtr(near, trials, probability) < share:
        near += 1
    return near


def _check_counts(successes: int, sample_size: int) -> None:
    if sample_size == 0:
        raise NotEnoughData("the interval of a rate needs at least 1 case, found 0")
    if not 0 <= successes <= sample_size:
        raise InvalidInput(
            f"{successes} of {sample_size}: a count must lie between 0 and the whole"
        )
