"""Agreement of two raters: bias and limits, intraclass correlation, weighted kappa, agreement rate.

For: the two AI models that score the same trait of the same response, and any other pair of raters.
Not for: consistency of items (``reliability``), or association whatever the level (``correlation``,
which calls two raters that always differ by ten points perfect).

Pairs with a missing score are left out. Pairs count as independent: several traits of one response
are judged apart, each in its own call.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.intervals import (
    DEFAULT_LEVEL,
    ConfidenceInterval,
    checked_level,
    mean_interval,
    wilson_interval,
)

MINIMUM_PAIRS: Final = 3
"""Fewest pairs that are judged: two differences have no spread worth the name."""

LIMITS_Z: Final = 1.96
"""Limits of agreement hold 95 % of differences: Bland and Altman's 1.96, as printed everywhere."""

_RATERS: Final = 2

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Differences of two raters, first less second, in the unit of their scores."""

    sample_size: int
    """Complete pairs."""

    bias: float
    """Mean difference."""

    bias_interval: ConfidenceInterval
    """Student's interval of the bias."""

    std_dev: float
    """SD (n-1) of the differences."""

    limit_low: float
    """bias - 1.96 SD."""

    limit_high: float
    """bias + 1.96 SD."""

    limit_margin: float
    """Half the width of either limit's interval: t(n-1) SD sqrt(1/n + 1.96²/(2(n-1)))."""

    mean_absolute_difference: float


@dataclass(frozen=True, slots=True)
class IntraclassCorrelation:
    """ICC(2,1): absolute agreement of single scores, raters as a sample of raters."""

    icc: float | None
    """The coefficient, at most 1; None when nothing varies at all, and ``reason`` says so."""

    confidence_interval: ConfidenceInterval | None
    """Shrout and Fleiss's interval; None where its formula has no value."""

    sample_size: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class WeightedKappa:
    """Cohen's kappa with quadratic weights over ordered bands."""

    kappa: float | None
    """The coefficient, at most 1; None when all scores lie in one band, and ``reason`` says so."""

    confidence_interval: ConfidenceInterval | None
    """By the large-sample error of Fleiss, Cohen and Everitt on Fisher's z; None at 1, where that
    error is 0 whatever the sample.
    """

    sample_size: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AgreementRate:
    """Pairs that differ by no more than a tolerance."""

    rate: float
    """Share, 0 to 1."""

    confidence_interval: ConfidenceInterval
    """Wilson's interval."""

    agreed: int
    sample_size: int


def bland_altman(
    first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = DEFAULT_LEVEL
) -> BlandAltman:
    """Return bias and limits of agreement of two raters.

    Args:
        first: Scores, shape ``(n,)``; NaN is missing, and its pair is left out.
        second: Scores of the same things, shape ``(n,)``.
        level: Confidence of the intervals, between 0 and 1.

    Raises:
        InvalidInput: Shapes differ, or a score is infinite.
        NotEnoughData: Fewer than 3 complete pairs.

    Source:
        Bland & Altman (1999), doi:10.1177/096228029900800204;
        R: ``d <- x - y; t.test(d); mean(d) + c(-1, 1) * 1.96 * sd(d)``.

    Example:
        >>> result = bland_altman([50.0, 60.0, 70.0, 40.0], [48.0, 61.0, 66.0, 39.0])
        >>> result.bias, round(result.limit_low, 4), round(result.limit_high, 4)
        (1.5, -2.5801, 5.5801)
    """
    x, y = _pairs(first, second)
    n = len(x)
    difference = x - y
    bias, spread = float(difference.mean()), float(difference.std(ddof=1))
    t = -float(special.stdtrit(n - 1, (1 - checked_level(level)) / 2))
    return BlandAltman(
        sample_size=n,
        bias=bias,
        bias_interval=mean_interval(bias, spread / math.sqrt(n), n, level),
        std_dev=spread,
        limit_low=bias - LIMITS_Z * spread,
        limit_high=bias + LIMITS_Z * spread,
        limit_margin=t * spread * math.sqrt(1 / n + LIMITS_Z**2 / (2 * (n - 1))),
        mean_absolute_difference=float(np.abs(difference).mean()),
    )


def intraclass_correlation(
    first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = DEFAULT_LEVEL
) -> IntraclassCorrelation:
    """Return ICC(2,1) of two raters: two-way random effects, absolute agreement, single scores.

    Formula: (MSB - MSE) / (MSB + MSE + 2 (MSJ - MSE) / n), from the mean squares between the things
    rated (B), between the raters (J) and of the rest (E).

    Args:
        first: Scores, shape ``(n,)``; NaN is missing, and its pair is left out.
        second: Scores of the same things, shape ``(n,)``.
        level: Confidence of the interval, between 0 and 1.

    Returns:
        The coefficient; undefined with a reason when all scores are equal.

    Raises:
        InvalidInput: Shapes differ, or a score is infinite.
        NotEnoughData: Fewer than 3 complete pairs.

    Source:
        Shrout & Fleiss (1979), doi:10.1037/0033-2909.86.2.420;
        R: ``psych::ICC(cbind(x, y), lmer = FALSE)``, row Single_random_raters.

    Example:
        >>> result = intraclass_correlation([50.0, 60.0, 70.0, 40.0], [48.0, 61.0, 66.0, 39.0])
        >>> round(result.icc, 4)
        0.9827
    """
    x, y = _pairs(first, second)
    n = len(x)
    # Two raters: the sums of squares follow from the pairs' means and differences.
    middle, difference = (x + y) / 2, x - y
    between = _RATERS * float(middle.var(ddof=1))
    raters = n * float(difference.mean()) ** 2 / 2
    rest = float(difference.var(ddof=1)) / 2
    whole = between + rest + _RATERS * (raters - rest) / n
    if whole <= 0:
        return IntraclassCorrelation(None, None, n, "all scores are equal")
    icc = (between - rest) / whole
    interval = _icc_interval(icc, between, raters, rest, n, checked_level(level))
    return IntraclassCorrelation(icc, interval, n)


def weighted_kappa(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    n_bands: int,
    *,
    level: float = DEFAULT_LEVEL,
) -> WeightedKappa:
    """Return Cohen's kappa of two raters over ordered bands, a miss weighing its square distance.

    Interval: tanh(atanh(kappa) ± z error / (1 - kappa²)). With quadratic weights kappa is a
    concordance coefficient, whose errors are skewed: kappa ± z error covers 91 % with 30 pairs.

    Args:
        first: Bands from 0 to ``n_bands - 1``, shape ``(n,)``, nothing missing.
        second: Bands of the same things, shape ``(n,)``.
        n_bands: Number of bands there are, at least 2.
        level: Confidence of the interval, between 0 and 1.

    Returns:
        The coefficient; undefined with a reason when both raters use one and the same band only.

    Raises:
        InvalidInput: Shapes differ, or a band does not exist.
        NotEnoughData: Fewer than 3 pairs.

    Source:
        Cohen (1968), doi:10.1037/h0026256; error: Fleiss, Cohen & Everitt (1969),
        doi:10.1037/h0028106; transformation: Lin (1989), doi:10.2307/2532051;
        R: ``psych::cohen.kappa(table)$weighted.kappa``.

    Example:
        >>> round(weighted_kappa([0, 1, 2, 2, 1], [0, 1, 2, 1, 1], 3).kappa, 4)
        0.8
    """
    x, y = (np.asarray(column) for column in (first, second))
    if n_bands < 2 or x.shape != y.shape or x.ndim != 1:
        raise InvalidInput(
            f"kappa takes two columns of one length and 2 or more bands, found {x.shape}, "
            f"{y.shape} and {n_bands}"
        )
    n = len(x)
    _demand(n)
    if ((x < 0) | (x >= n_bands) | (y < 0) | (y >= n_bands) | (x % 1 != 0) | (y % 1 != 0)).any():
        raise InvalidInput(f"a band lies outside 0 .. {n_bands - 1}")
    places = x.astype(np.int64) * n_bands + y.astype(np.int64)
    share = np.bincount(places, minlength=n_bands**2).reshape(n_bands, n_bands) / n
    steps = np.arange(n_bands)
    weight = 1 - ((steps[:, None] - steps) / (n_bands - 1)) ** 2
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    expected = float((weight * np.outer(rows, columns)).sum())
    observed = float((weight * share).sum())
    if 1 - expected < 1e-12:
        return WeightedKappa(None, None, n, "all scores lie in one band")
    kappa = (observed - expected) / (1 - expected)
    marginal = (weight @ columns)[:, None] + rows @ weight
    spread = (share * (weight - marginal * (1 - kappa)) ** 2).sum()
    error = math.sqrt(max(0.0, float(spread) - (kappa - expected * (1 - kappa)) ** 2) / n) / (
        1 - expected
    )
    return WeightedKappa(kappa, _kappa_interval(kappa, error, checked_level(level)), n)


def agreement_rate(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    tolerance: float,
    *,
    level: float = DEFAULT_LEVEL,
) -> AgreementRate:
    """Return the share of pairs that differ by at most a tolerance.

    Args:
        first: Scores, shape ``(n,)``; NaN is missing, and its pair is left out.
        second: Scores of the same things, shape ``(n,)``.
        tolerance: Largest difference that counts as agreement, 0 or more, unit of the scores.
        level: Confidence of the interval, between 0 and 1.

    Raises:
        InvalidInput: Shapes differ, a score is infinite, or the tolerance is negative.
        NotEnoughData: Fewer than 3 complete pairs.

    Source:
        R: ``prop.test(sum(abs(x - y) <= tolerance), n, correct = FALSE)``.

    Example:
        >>> agreement_rate([50.0, 60.0, 70.0, 40.0], [48.0, 61.0, 90.0, 39.0], 10).rate
        0.75
    """
    if not tolerance >= 0:
        raise InvalidInput(f"tolerance is {tolerance}, it must be 0 or more")
    x, y = _pairs(first, second)
    agreed = int((np.abs(x - y) <= tolerance).sum())
    interval = wilson_interval(agreed, len(x), level)
    return AgreementRate(agreed / len(x), interval, agreed, len(x))


def _pairs(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = (np.asarray(column, dtype=np.float64) for column in (first, second))
    if x.ndim != 1 or x.shape != y.shape:
        raise InvalidInput(f"two raters' scores must be of one length, found {x.shape}, {y.shape}")
    if np.isinf(x).any() or np.isinf(y).any():
        raise InvalidInput("a score is infinite")
    complete = ~(np.isnan(x) | np.isnan(y))
    _demand(int(complete.sum()))
    return x[complete], y[complete]


def _demand(n: int) -> None:
    if n < MINIMUM_PAIRS:
        raise NotEnoughData(f"agreement needs at least {MINIMUM_PAIRS} complete pairs, found {n}")


def _kappa_interval(kappa: float, error: float, level: float) -> ConfidenceInterval | None:
    if not -1 < kappa < 1:
        return None
    half = -float(special.ndtri((1 - level) / 2)) * error / (1 - kappa * kappa)
    middle = math.atanh(kappa)
    return ConfidenceInterval(
        level, math.tanh(middle - half), math.tanh(middle + half), "fleiss_cohen_fisher_z"
    )


def _icc_interval(
    icc: float, between: float, raters: float, rest: float, n: int, level: float
) -> ConfidenceInterval | None:
    k = _RATERS
    if rest <= 0:
        # The raters differ by a constant or not at all: the F ratios of the formula are infinite.
        return None
    ratio = raters / rest
    weight = n * (1 + (k - 1) * icc) - k * icc
    degrees = ((k - 1) * (n - 1) * (k * icc * ratio + weight) ** 2) / (
        (n - 1) * k**2 * icc**2 * ratio**2 + weight**2
    )
    upper = 1 - (1 - level) / 2
    f_low = float(special.fdtri(n - 1, degrees, upper))
    f_high = float(special.fdtri(degrees, n - 1, upper))
    if not (math.isfinite(f_low) and math.isfinite(f_high)):
        return None
    others = k * raters + (k * n - k - n) * rest
    low = n * (between - f_low * rest) / (f_low * others + n * between)
    high = n * (f_high * between - rest) / (others + n * f_high * between)
    return ConfidenceInterval(level, low, high, "shrout_fleiss")
