"""Pearson's correlation with its interval, p-value and n, and corrections for many of them.

For: the correlation matrix of the traits, any two columns. Not for: agreement of raters or of items
(``reliability``).

A pair that cannot be correlated is a result with ``r`` None and a reason, not an error: one
constant trait must not take the other nine pairs away.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level
from ioc_analytics.statistics.moments import (
    CONSTANT_VARIANCE,
    MomentArray,
    PairMoments,
    pairwise,
)

MINIMUM_PAIRS: Final = 3
"""Fewest complete pairs that are correlated: through two points there is always a line."""

COLUMN_NAMES: Final = ("the first column", "the second column")
"""What columns are called in a reason where the caller names none."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's r of two columns over the people who have both values."""

    r: float | None
    """The coefficient, -1 to 1; None when it is undefined, and then ``reason`` says why."""

    confidence_interval: ConfidenceInterval | None
    """Fisher's interval of r; None when r is, or below 4 pairs."""

    p_value: float | None
    """Two-sided p of no correlation (Student's t with n-2); None when r is."""

    sample_size: int
    """Number of complete pairs."""

    adjusted_p_value: float | None = None
    """Benjamini-Hochberg p within the family it was computed in; None outside a family."""

    reason: str | None = None
    """Why r is None, for people; None when r is there."""


def correlate(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    level: float = DEFAULT_LEVEL,
    names: tuple[str, str] = COLUMN_NAMES,
) -> Correlation:
    """Return Pearson's r of two columns.

    Formula: sum(dx dy) / sqrt(sum(dx²) sum(dy²)), d the deviation from the mean over the complete
    pairs.

    Args:
        x: Numbers, shape ``(n,)``; NaN is missing, and its pair is left out.
        y: Numbers, shape ``(n,)``, likewise.
        level: Confidence of the interval, between 0 and 1.
        names: What to call the columns in ``reason``.

    Returns:
        The correlation; undefined with a reason below 3 complete pairs or for a constant column.

    Raises:
        InvalidInput: Shapes differ, or a value is infinite.

    Source:
        Pearson (1895), doi:10.1098/rspl.1895.0041; R: ``cor.test(x, y)``.

    Example:
        >>> result = correlate([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0])
        >>> round(result.r, 6), round(result.p_value, 6), result.sample_size
        (0.8, 0.104088, 5)
    """
    first, second = (np.asarray(column, dtype=np.float64) for column in (x, y))
    if first.ndim != 1 or first.shape != second.shape:
        raise InvalidInput(
            f"correlated columns must be of one length, found {first.shape} and {second.shape}"
        )
    if np.isinf(first).any() or np.isinf(second).any():
        raise InvalidInput("a correlated column holds an infinite value")
    complete = ~(np.isnan(first) | np.isnan(second))
    first, second = first[complete], second[complete]
    n = int(complete.sum())
    constant = [bool(n and np.ptp(column) == 0) for column in (first, second)]
    reason = _undefined(n, constant, names)
    if reason:
        return Correlation(None, None, None, n, reason=reason)
    # Unit length first: a product of two sums of squares could leave the range of a double.
    first, second = (_unit(column) for column in (first, second))
    return _correlation(float((first * second).sum()), n, level)


def correlate_moments(
    pair: PairMoments,
    *,
    level: float = DEFAULT_LEVEL,
    names: tuple[str, str] = COLUMN_NAMES,
) -> Correlation:
    """Return Pearson's r from the moments of a pair: covariance over the root of the variances.

    Args:
        pair: Moments of both columns over the complete pairs.
        level: Confidence of the interval, between 0 and 1.
        names: What to call the columns in ``reason``.

    Returns:
        The correlation; undefined with a reason below 3 complete pairs or for a constant column.

    Raises:
        InvalidInput: The level is not between 0 and 1.

    Source:
        R: ``cor.test(x, y)``; agrees with ``correlate`` to 1e-7.

    Example:
        >>> pair = PairMoments(30, 50.0, 60.0, 400.0, 100.0, 50.0)
        >>> correlate_moments(pair).r
        0.25
    """
    variances = (pair.variance_x or 0.0, pair.variance_y or 0.0)
    constant = [variance <= CONSTANT_VARIANCE for variance in variances]
    reason = _undefined(pair.sample_size, constant, names)
    if reason or pair.covariance is None:
        return Correlation(None, None, None, pair.sample_size, reason=reason)
    r = pair.covariance / math.sqrt(variances[0] * variances[1])
    return _correlation(r, pair.sample_size, level)


def correlate_traits(
    moments: MomentArray, *, level: float = DEFAULT_LEVEL
) -> Mapping[str, Mapping[str, Correlation]]:
    """Return the correlations of all pairs of traits, each on its own complete pairs.

    Args:
        moments: ``moments.MOMENT_DTYPE`` records.
        level: Confidence of the intervals, between 0 and 1.

    Returns:
        ``result[a][b]`` for each two different traits, the same from both sides, with the p-value
        adjusted for the pairs that are defined (Benjamini-Hochberg).

    Raises:
        InvalidInput: The records have another dtype, or the level is not between 0 and 1.

    Source:
        R: ``psych::corr.test(scores, adjust = "BH")``.

    Example:
        >>> from ioc_analytics.statistics.moments import moments_from_vectors
        >>> rows = [[60, 40, 50, 50, 50], [40, 60, 50, 60, 50], [50, 55, 50, 70, 50]]
        >>> matrix = correlate_traits(moments_from_vectors(rows))
        >>> round(matrix["conscientiousness"]["openness"].r, 4)
        -0.9608
        >>> matrix["openness"]["extraversion"].reason
        'extraversion does not vary'
    """
    pairs = {
        names: correlate_moments(pair, level=level, names=names)
        for names, pair in pairwise(moments).items()
    }
    defined = {names: c.p_value for names, c in pairs.items() if c.p_value is not None}
    adjusted = dict(zip(defined, adjust_false_discovery(list(defined.values())), strict=True))
    matrix: dict[str, dict[str, Correlation]] = {trait: {} for trait in TRAITS}
    for (a, b), correlation in pairs.items():
        if (a, b) in adjusted:
            correlation = replace(correlation, adjusted_p_value=float(adjusted[a, b]))
        matrix[a][b] = matrix[b][a] = correlation
    return matrix


def fisher_interval(r: float, sample_size: int, level: float = DEFAULT_LEVEL) -> ConfidenceInterval:
    """Return Fisher's interval of a correlation: tanh(atanh(r) ± z / sqrt(n-3)).

    Args:
        r: The coefficient, -1 to 1.
        sample_size: Number of complete pairs, at least 4.
        level: Confidence between 0 and 1.

    Raises:
        InvalidInput: r or the level is impossible.
        NotEnoughData: Below 4 pairs.

    Source:
        Fisher (1915), doi:10.2307/2331838; R: ``cor.test(x, y)$conf.int``.

    Example:
        >>> interval = fisher_interval(0.5, 28)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.156, 0.7358)
    """
    if not -1 <= r <= 1:
        raise InvalidInput(f"a correlation lies between -1 and 1, found {r}")
    if sample_size < 4:
        raise NotEnoughData(
            f"the interval of a correlation needs at least 4 pairs, found {sample_size}"
        )
    half = -float(special.ndtri((1 - checked_level(level)) / 2)) / math.sqrt(sample_size - 3)
    if abs(r) == 1:
        return ConfidenceInterval(level, r, r, "fisher_z")
    middle = math.atanh(r)
    return ConfidenceInterval(level, math.tanh(middle - half), math.tanh(middle + half), "fisher_z")


def adjust_false_discovery(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return Benjamini-Hochberg p-values: calling those up to q keeps the false ones below q.

    Formula: with p sorted ascending, min over j >= i of p_j m / j, at most 1. For independent or
    positively dependent tests.

    Args:
        p_values: Shape ``(m,)``, each 0 to 1; may be empty.

    Raises:
        InvalidInput: A p-value is missing or outside 0..1.

    Source:
        Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x;
        R: ``p.adjust(p, "BH")``.

    Example:
        >>> adjust_false_discovery([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
        [0.04, 0.0533, 0.0533, 0.5]
    """
    p = _checked_p_values(p_values)
    order = np.argsort(p, kind="stable")[::-1]
    stepped = np.minimum.accumulate(p[order] * p.size / np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def adjust_familywise(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return Holm p-values: calling those up to q makes any false call at all less likely than q.

    Formula: with p sorted ascending, max over j <= i of p_j (m - j + 1), at most 1. For any
    dependence of the tests.

    Args:
        p_values: Shape ``(m,)``, each 0 to 1; may be empty.

    Raises:
        InvalidInput: A p-value is missing or outside 0..1.

    Source:
        Holm (1979), https://www.jstor.org/stable/4615733; R: ``p.adjust(p, "holm")``.

    Example:
        >>> adjust_familywise([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
        [0.04, 0.09, 0.09, 0.5]
    """
    p = _checked_p_values(p_values)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _correlation(r: float, n: int, level: float) -> Correlation:
    bounded = min(max(r, -1.0), 1.0)
    rest = 1 - bounded * bounded
    t = math.inf if rest == 0 else abs(bounded) * math.sqrt((n - 2) / rest)
    return Correlation(
        r=bounded,
        confidence_interval=fisher_interval(bounded, n, level) if n >= 4 else None,
        p_value=min(2 * float(special.stdtr(n - 2, -t)), 1.0),
        sample_size=n,
    )


def _unit(column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = column - column.mean()
    centred = centred / np.abs(centred).max()
    return np.asarray(centred / np.sqrt((centred**2).sum()))


def _undefined(n: int, is_constant: list[bool], names: tuple[str, str]) -> str | None:
    if n < MINIMUM_PAIRS:
        return f"needs at least {MINIMUM_PAIRS} complete pairs, found {n}"
    constant = [name for name, stands in zip(names, is_constant, strict=True) if stands]
    if not constant:
        return None
    return f"{' and '.join(constant)} {'does' if len(constant) == 1 else 'do'} not vary"


def _checked_p_values(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise InvalidInput("p-values must be a list of numbers between 0 and 1, none missing")
    return p
