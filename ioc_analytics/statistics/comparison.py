"""Do groups differ, and by how much: tests and effect sizes from n, mean and SD per group.

For: comparisons of traits between industries, regions, ages; any groups whose summaries a state
keeps. Not for: paired or repeated measures, or people who cluster in organizations: all of this
takes people as independent.

Welch's test, not Fisher's: groups of unequal size and spread are the rule, and Fisher's error rate
fails there. Kruskal-Wallis takes counts per distinct score, so that it too needs no rows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.correlation import adjust_familywise
from ioc_analytics.statistics.counts import observed_counts
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level

FEWEST_IN_GROUP: Final = 2
"""Below this a group has no spread."""


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """One group of people, as far as comparisons need it.

    Raises:
        InvalidInput: A figure is not finite, or the SD is negative.
    """

    name: str
    sample_size: int
    mean: float
    std_dev: float
    """Standard deviation with n-1."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.std_dev) and self.std_dev >= 0):
            raise InvalidInput(
                f"group {self.name!r}: mean {self.mean} and SD {self.std_dev} must be finite and "
                "the SD not negative"
            )

    @property
    def squared_error(self) -> float:
        """The squared standard error of the mean."""
        return self.std_dev**2 / self.sample_size


@dataclass(frozen=True, slots=True)
class GroupTest:
    """A test of all groups at once."""

    method: str
    """``welch`` or ``kruskal_wallis``."""

    statistic: float
    df_between: float
    df_within: float | None
    """None for Kruskal-Wallis, which has no denominator."""

    p_value: float
    sample_size: int


@dataclass(frozen=True, slots=True)
class VarianceExplained:
    """How much of the variance the grouping explains, 0 to 1."""

    eta_squared: float
    """Between groups / total, in this sample; too high for the population."""

    omega_squared: float
    """The population's share, estimated; at least 0."""

    confidence_interval: ConfidenceInterval | None
    """Of the population's share; None where the F cannot be inverted."""


@dataclass(frozen=True, slots=True)
class EffectSize:
    """A standardized difference of two means."""

    g: float
    """Hedges' g: difference / SD, corrected for small samples; positive: the first is higher."""

    confidence_interval: ConfidenceInterval


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Two groups."""

    first: str
    second: str
    difference: float
    """Mean of the first minus mean of the second, in the unit of the score."""

    confidence_interval: ConfidenceInterval
    """Of the difference; simultaneous over all pairs of the family."""

    p_value: float
    """Of this pair alone."""

    adjusted_p_value: float
    """Adjusted for all pairs of the family."""

    effect: EffectSize | None
    """None where neither group varies."""


def welch_anova(groups: Sequence[GroupSummary]) -> GroupTest:
    """Return Welch's test that all groups have one mean, whatever their spreads.

    Formula: with w = n/s², W = sum(w), m = sum(w mean)/W, L = sum((1 - w/W)²/(n-1)):
    F = sum(w (mean - m)²)/(k-1) / (1 + 2 (k-2) L/(k²-1)), on k-1 and (k²-1)/(3 L) degrees.

    Args:
        groups: At least two, each of at least 2 people who are not all alike.

    Raises:
        NotEnoughData: Fewer than two groups, a group of fewer than 2, or one that does not vary.

    Source:
        Welch (1951), doi:10.1093/biomet/38.3-4.330; R: ``oneway.test(x ~ group)``.

    Example:
        >>> a, b = GroupSummary("a", 10, 50.0, 10.0), GroupSummary("b", 20, 60.0, 15.0)
        >>> test = welch_anova([a, b])
        >>> round(test.statistic, 4), round(test.df_within, 4), round(test.p_value, 4)
        (4.7059, 25.4082, 0.0396)
    """
    _demand_groups(groups, demands_spread=True)
    n = np.array([group.sample_size for group in groups], dtype=np.float64)
    means = np.array([group.mean for group in groups])
    weights = n / np.array([group.std_dev for group in groups]) ** 2
    k, total = len(groups), weights.sum()
    centre = (weights * means).sum() / total
    looseness = ((1 - weights / total) ** 2 / (n - 1)).sum()
    between = (weights * (means - centre) ** 2).sum() / (k - 1)
    statistic = float(between / (1 + 2 * (k - 2) * looseness / (k * k - 1)))
    df_within = float((k * k - 1) / (3 * looseness))
    p_value = float(special.fdtrc(k - 1, df_within, statistic))
    return GroupTest("welch", statistic, float(k - 1), df_within, p_value, int(n.sum()))


def kruskal_wallis(groups: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]]) -> GroupTest:
    """Return Kruskal and Wallis' rank test from counts per distinct value, ties corrected.

    Formula: with R the mean mid-rank of a group, H = 12/(N (N+1)) sum(n (R - (N+1)/2)²), divided
    by 1 - sum(t³ - t)/(N³ - N), t the sizes of the ties; chi squared on k-1 degrees.

    Args:
        groups: Per group its distinct values, ascending, and how often each occurs.

    Raises:
        InvalidInput: Values and counts are impossible.
        NotEnoughData: Fewer than two groups, an empty group, or all values are equal.

    Source:
        Kruskal & Wallis (1952), doi:10.1080/01621459.1952.10483441; R: ``kruskal.test(x, group)``.

    Example:
        >>> test = kruskal_wallis([([1, 2], [2, 1]), ([2, 3], [1, 3])])
        >>> round(test.statistic, 4), round(test.p_value, 4)
        (4.235, 0.0396)
    """
    if len(groups) < 2:
        raise NotEnoughData(f"a comparison needs at least 2 groups, found {len(groups)}")
    observed = [observed_counts(values, counts) for values, counts in groups]
    values = np.unique(np.concatenate([points for points, _ in observed]))
    table = np.zeros((len(groups), len(values)))
    for row, (points, counts) in zip(table, observed, strict=True):
        row[np.searchsorted(values, points)] = counts
    if len(values) == 1:
        raise NotEnoughData("all scores are equal: ranks cannot tell the groups apart")
    ties, sizes = table.sum(axis=0), table.sum(axis=1)
    people = ties.sum()
    ranks = np.cumsum(ties) - (ties - 1) / 2
    mean_ranks = (table * ranks).sum(axis=1) / sizes
    spread = (sizes * (mean_ranks - (people + 1) / 2) ** 2).sum()
    correction = 1 - (ties**3 - ties).sum() / (people**3 - people)
    statistic = float(12 / (people * (people + 1)) * spread / correction)
    df = float(len(groups) - 1)
    p_value = float(special.chdtrc(df, statistic))
    return GroupTest("kruskal_wallis", statistic, df, None, p_value, int(people))


def variance_explained(
    groups: Sequence[GroupSummary], level: float = DEFAULT_LEVEL
) -> VarianceExplained:
    """Return eta and omega squared, with the interval of the population's share.

    Formula: from Fisher's F with k-1 and N-k degrees, eta² = SSB/SST,
    omega² = (SSB - (k-1) MSW)/(SST + MSW), at least 0. The interval inverts the noncentral F
    (share = lambda/(lambda + N)) and, unlike Welch's test, takes the spreads as equal.

    Args:
        groups: At least two, each of at least 2 people; some group must vary.
        level: Confidence between 0 and 1.

    Raises:
        NotEnoughData: Fewer than two groups, a group of fewer than 2, or none varies.

    Source:
        Steiger (2004), doi:10.1037/1082-989X.9.2.164; R: ``summary(aov(x ~ group))`` and
        ``uniroot`` on ``pf(F, k - 1, N - k, ncp)``.

    Example:
        >>> a, b = GroupSummary("a", 50, 50.0, 10.0), GroupSummary("b", 50, 55.0, 10.0)
        >>> found = variance_explained([a, b])
        >>> round(found.eta_squared, 4), round(found.omega_squared, 4)
        (0.06, 0.0499)
    """
    _demand_groups(groups, demands_spread=False)
    n = np.array([group.sample_size for group in groups], dtype=np.float64)
    means = np.array([group.mean for group in groups])
    within = float(((n - 1) * np.array([group.std_dev for group in groups]) ** 2).sum())
    if within == 0:
        raise NotEnoughData("no group varies: a share of the variance is undefined")
    people, k = float(n.sum()), len(groups)
    between = float((n * (means - (n * means).sum() / people) ** 2).sum())
    error = within / (people - k)
    statistic = between / (k - 1) / error
    omega = (between - (k - 1) * error) / (between + within + error)
    return VarianceExplained(
        between / (between + within),
        max(omega, 0.0),
        _share_interval(statistic, k - 1, people - k, people, level),
    )


def hedges_g(first: GroupSummary, second: GroupSummary, level: float = DEFAULT_LEVEL) -> EffectSize:
    """Return the standardized difference of two means that may differ in spread.

    Formula: s² the mean of both variances, d = difference/s, g = J d with
    J = Gamma(m/2)/(sqrt(m/2) Gamma((m-1)/2)), m = n1 + n2 - 2; interval d ± z sqrt(v) with
    v = d² (s1⁴/(n1-1) + s2⁴/(n2-1))/(8 s⁴) + (s1²/(n1-1) + s2²/(n2-1))/s², which holds for unequal
    spreads.

    Args:
        first: At least 2 people.
        second: At least 2 people.
        level: Confidence between 0 and 1.

    Raises:
        NotEnoughData: A group of fewer than 2 people, or neither varies.

    Source:
        Hedges (1981), doi:10.3102/10769986006002107; Bonett (2008),
        doi:10.1037/1082-989X.13.2.99; R: the formula written out (``make_ocean_reference.R``).

    Example:
        >>> a, b = GroupSummary("a", 50, 55.0, 10.0), GroupSummary("b", 50, 50.0, 10.0)
        >>> effect = hedges_g(a, b)
        >>> round(effect.g, 4), round(effect.confidence_interval.low, 4)
        (0.4962, 0.0979)
    """
    _demand_groups([first, second], demands_spread=False)
    variance = (first.std_dev**2 + second.std_dev**2) / 2
    if variance == 0:
        raise NotEnoughData("neither group varies: a standardized difference is undefined")
    d = (first.mean - second.mean) / math.sqrt(variance)
    rest = (first.sample_size - 1, second.sample_size - 1)
    squares = (first.std_dev**2, second.std_dev**2)
    spread = d * d * sum(s * s / m for s, m in zip(squares, rest, strict=True)) / (8 * variance**2)
    spread += sum(s / m for s, m in zip(squares, rest, strict=True)) / variance
    half = -float(special.ndtri((1 - checked_level(level)) / 2)) * math.sqrt(spread)
    m = sum(rest)
    correction = math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2)) / math.sqrt(m / 2)
    return EffectSize(d * correction, ConfidenceInterval(level, d - half, d + half, "bonett"))


def compare_pairs(
    groups: Sequence[GroupSummary], level: float = DEFAULT_LEVEL
) -> tuple[PairComparison, ...]:
    """Return Welch's t test of each pair, p-values adjusted by Holm.

    Formula: t = difference/sqrt(s1²/n1 + s2²/n2) on Satterthwaite's degrees; intervals of the
    differences at 1 - (1-level)/m for m pairs (Bonferroni), so that all hold together.

    Args:
        groups: At least two, each of at least 2 people who are not all alike.
        level: Confidence of all intervals together.

    Raises:
        NotEnoughData: Fewer than two groups, a group of fewer than 2, or one that does not vary.

    Source:
        Welch (1947), doi:10.1093/biomet/34.1-2.28; Holm (1979),
        https://www.jstor.org/stable/4615733; R: ``pairwise.t.test(x, group, pool.sd = FALSE)``.

    Example:
        >>> a, b = GroupSummary("a", 10, 50.0, 10.0), GroupSummary("b", 20, 60.0, 15.0)
        >>> pair = compare_pairs([a, b])[0]
        >>> pair.difference, round(pair.p_value, 4), round(pair.effect.g, 4)
        (-10.0, 0.0396, -0.7632)
    """
    _demand_groups(groups, demands_spread=True)
    pairs = list(combinations(groups, 2))
    tail = (1 - checked_level(level)) / 2 / len(pairs)

    def width(df: float, error: float) -> float:
        return -float(special.stdtrit(df, tail)) * error

    p_values = [
        2 * float(special.stdtr(df, -abs(a.mean - b.mean) / error))
        for (a, b), (df, error) in zip(pairs, map(_satterthwaite, pairs), strict=True)
    ]
    adjusted = adjust_familywise(p_values)
    return _pairs(pairs, p_values, adjusted.tolist(), width, level, "welch_t_bonferroni")


def games_howell(
    groups: Sequence[GroupSummary], level: float = DEFAULT_LEVEL
) -> tuple[PairComparison, ...]:
    """Return Games and Howell's comparison of each pair: Tukey's for unequal spreads.

    Formula: q = sqrt(2) |difference|/sqrt(s1²/n1 + s2²/n2), the studentized range of k groups on
    Satterthwaite's degrees; ``p_value`` is that of Welch's t. Takes tenths of a second per pair.

    Args:
        groups: At least two, each of at least 2 people who are not all alike.
        level: Confidence of all intervals together.

    Raises:
        NotEnoughData: Fewer than two groups, a group of fewer than 2, or one that does not vary.

    Source:
        Games & Howell (1976), doi:10.3102/10769986001002113;
        R: ``ptukey(q, k, df, lower.tail = FALSE)`` and ``qtukey``.

    Example:
        >>> a, b = GroupSummary("a", 10, 50.0, 10.0), GroupSummary("b", 20, 60.0, 15.0)
        >>> round(games_howell([a, b])[0].adjusted_p_value, 4)
        0.0396
    """
    # Two seconds to import, and only this function wants it.
    from scipy.optimize import brentq
    from scipy.stats import studentized_range

    _demand_groups(groups, demands_spread=True)
    k = len(groups)
    checked_level(level)

    def width(df: float, error: float) -> float:
        # Between the quantiles of one t and of all pairs after Bonferroni.
        bounds = [-float(special.stdtrit(df, (1 - level) / 2 / m)) for m in (1, k * k)]
        root = brentq(
            lambda t: float(studentized_range.sf(math.sqrt(2) * t, k, df)) - (1 - level),
            bounds[0] * 0.999,
            bounds[1] * 1.001,
            xtol=1e-9,
        )
        return float(root) * error

    pairs = list(combinations(groups, 2))
    p_values, adjusted = [], []
    for a, b in pairs:
        df, error = _satterthwaite((a, b))
        t = abs(a.mean - b.mean) / error
        p_values.append(2 * float(special.stdtr(df, -t)))
        adjusted.append(min(float(studentized_range.sf(math.sqrt(2) * t, k, df)), 1.0))
    return _pairs(pairs, p_values, adjusted, width, level, "games_howell")


def _pairs(
    pairs: Sequence[tuple[GroupSummary, GroupSummary]],
    p_values: Sequence[float],
    adjusted: Sequence[float],
    width: Callable[[float, float], float],
    level: float,
    method: str,
) -> tuple[PairComparison, ...]:
    made = []
    for (a, b), p, q in zip(pairs, p_values, adjusted, strict=True):
        difference, half = a.mean - b.mean, width(*_satterthwaite((a, b)))
        interval = ConfidenceInterval(level, difference - half, difference + half, method)
        made.append(
            PairComparison(a.name, b.name, difference, interval, p, q, hedges_g(a, b, level))
        )
    return tuple(made)


def _satterthwaite(pair: tuple[GroupSummary, GroupSummary]) -> tuple[float, float]:
    """Return the degrees of freedom and the standard error of a difference."""
    parts = [group.squared_error for group in pair]
    below = sum(v * v / (g.sample_size - 1) for v, g in zip(parts, pair, strict=True))
    return sum(parts) ** 2 / below, math.sqrt(sum(parts))


def _share_interval(
    statistic: float, df_between: float, df_within: float, people: float, level: float
) -> ConfidenceInterval | None:
    tail = (1 - checked_level(level)) / 2
    limits = [_noncentrality(statistic, df_between, df_within, share) for share in (1 - tail, tail)]
    if None in limits:
        return None
    low, high = (value / (value + people) for value in limits if value is not None)
    return ConfidenceInterval(level, low, high, "noncentral_f")


def _noncentrality(
    statistic: float, df_between: float, df_within: float, share: float
) -> float | None:
    """Return the noncentrality under which the statistic has ``share`` below it, at least 0."""
    from scipy.optimize import brentq

    def excess(noncentrality: float) -> float:
        return float(special.ncfdtr(df_between, df_within, noncentrality, statistic)) - share

    if excess(0.0) <= 0:
        return 0.0
    # Ten standard errors above the estimate: much farther out the series does not converge.
    found = statistic * df_between
    top = found + 10 * math.sqrt(2 * (df_between + 2 * found) + 2 * found**2 / df_within) + 100
    below = excess(top)
    # NaN where it does not converge at all (an F of ten thousands).
    return float(brentq(excess, 0.0, top, xtol=1e-9)) if below < 0 else None


def _demand_groups(groups: Sequence[GroupSummary], *, demands_spread: bool) -> None:
    if len(groups) < 2:
        raise NotEnoughData(f"a comparison needs at least 2 groups, found {len(groups)}")
    for group in groups:
        if group.sample_size < FEWEST_IN_GROUP:
            raise NotEnoughData(
                f"group {group.name!r} has {group.sample_size} scores, at least "
                f"{FEWEST_IN_GROUP} are needed; leave it out or widen it"
            )
        if demands_spread and group.std_dev == 0:
            raise NotEnoughData(f"group {group.name!r} does not vary: leave it out")
