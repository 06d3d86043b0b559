"""Funnel limits: which groups lie outside what chance and their ordinary spread explain.

For: organizations against their peers (``insight.benchmarks``). Not for: their best estimates
(``shrinkage``).

Groups differ by more than chance for reasons no figure knows. Limits that allow for chance alone
would call a third of them outliers; these allow for the spread that the bulk of groups shows.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level
from ioc_analytics.statistics.shrinkage import FloatArray, checked_groups

MINIMUM_GROUPS: Final = 5
"""Fewest groups that limits are drawn from."""

WINSORIZED_SHARE: Final = 0.1
"""Share of the groups at either end that is pulled in, so that outliers do not hide themselves."""

DEGREES_PER_GROUP: Final = 0.7
"""Degrees of freedom that a winsorised mean square has per group: 3.5 of 5 groups, 5.4 of 8, 10.6
of 15, 21 of 30, 71 of 100 (twice its squared mean by its variance, 40,000 normal samples each).
"""


@dataclass(frozen=True, slots=True)
class Funnel:
    """Centre and spread that limits are drawn from."""

    target: float
    """Centre of the groups, in the unit of the figures."""

    target_error: float
    """Its standard error."""

    dispersion: float
    """Winsorised mean square of the groups' z, 1 where chance alone is at work."""

    between_variance: float
    """Additive over-dispersion, in the unit squared; 0: none."""

    n_groups: int

    def limits(self, variance: float, level: float = DEFAULT_LEVEL) -> ConfidenceInterval:
        """Return the limits for a group that is not among those of the funnel.

        Formula: target ± t(0.7 groups) sqrt(variance + between variance + error(target)²).

        Args:
            variance: Sampling variance of the group's figure, positive.
            level: Share of ordinary groups within the limits, between 0 and 1.
        """
        t = -float(special.stdtrit(self._degrees, (1 - checked_level(level)) / 2))
        half = t * self._error(variance)
        return ConfidenceInterval(level, self.target - half, self.target + half, "funnel")

    def distance(
        self, value: float, variance: float, level: float = DEFAULT_LEVEL
    ) -> ConfidenceInterval:
        """Return the interval of how far a group's true value lies from the target.

        Formula: value - target ± z sqrt(variance + error(target)²).

        Args:
            value: Figure of a group that is not among those of the funnel.
            variance: Its sampling variance, positive.
            level: Confidence, between 0 and 1.
        """
        z = -float(special.ndtri((1 - checked_level(level)) / 2))
        half = z * math.sqrt(variance + self.target_error**2)
        distance = value - self.target
        return ConfidenceInterval(level, distance - half, distance + half, "normal")

    def p_value(self, value: float, variance: float) -> float:
        """Return how likely an ordinary group lies this far or farther from the target.

        Args:
            value: Figure of a group that is not among those of the funnel.
            variance: Its sampling variance, positive.
        """
        z = abs(value - self.target) / self._error(variance)
        return 2 * float(special.stdtr(self._degrees, -z))

    @property
    def _degrees(self) -> float:
        return DEGREES_PER_GROUP * self.n_groups

    def _error(self, variance: float) -> float:
        if not variance > 0:
            raise InvalidInput(f"the variance of a group's figure is {variance}, not positive")
        return math.sqrt(variance + self.between_variance + self.target_error**2)


def draw_funnel(values: npt.ArrayLike, variances: npt.ArrayLike) -> Funnel:
    """Return the funnel of groups, with additive over-dispersion.

    Formula: z = (value - weighted mean) sqrt(w), w = 1 / (variance + between variance); z is
    winsorised at its 10 % and 90 % quantiles (type 7); phi = mean z² / c. ``dispersion`` is phi
    without a between variance; the between variance is the one that makes phi (N - 1) / N, 0 where
    phi is less without it; target and its error with the same weights.

    Two departures from the source. c = 0.678 is what winsorising leaves of the mean square of
    normal z; without it 9 to 12 % of ordinary groups lie outside 95 % limits. The source's closed
    formula winsorises z before the between variance is known: groups of unequal size then spread
    unequally, and up to 7 % lie outside. Solving for it, as Paule and Mandel do, gives every z the
    same spread.

    Args:
        values: Figures of the groups, shape ``(n_groups,)``, nothing missing.
        variances: Their sampling variances, positive, shape ``(n_groups,)``.

    Raises:
        InvalidInput: Shapes differ, or a figure is missing or impossible.
        NotEnoughData: Fewer than 5 groups.

    Source:
        Spiegelhalter (2005), doi:10.1002/sim.1970 and doi:10.1136/qshc.2005.013755; limits for a
        new group: Higgins, Thompson & Spiegelhalter (2009), doi:10.1111/j.1467-985X.2008.00552.x;
        R: base lines in ``reference/make_peers_reference.R``.

    Example:
        >>> funnel = draw_funnel([48.0, 50.0, 55.0, 61.0, 52.0], [4.0, 1.0, 4.0, 9.0, 2.0])
        >>> limits = funnel.limits(4.0)
        >>> round(funnel.target, 2), round(limits.low, 2), round(limits.high, 2)
        (52.79, 37.72, 67.86)
    """
    y, v = checked_groups(values, variances)
    n = len(y)
    if n < MINIMUM_GROUPS:
        raise NotEnoughData(f"funnel limits need at least {MINIMUM_GROUPS} groups, found {n}")
    dispersion = _mean_square(0.0, y, v)
    between = 0.0
    if dispersion > (n - 1) / n:
        # Slow to import, and not every process draws funnels.
        from scipy.optimize import brentq

        # A between variance above that of the figures' whole range would leave less than is wanted.
        most = n * float(np.ptp(y)) ** 2
        between = float(
            brentq(lambda t: _mean_square(t, y, v) - (n - 1) / n, 0.0, most, xtol=1e-13 * most)
        )
    weights = 1 / (v + between)
    target = float((weights * y).sum() / weights.sum())
    return Funnel(target, 1 / math.sqrt(float(weights.sum())), dispersion, between, n)


def _mean_square(between: float, y: FloatArray, v: FloatArray) -> float:
    """Return the winsorised mean square of z, 1 on average where the between variance is right."""
    weights = 1 / (v + between)
    z = (y - (weights * y).sum() / weights.sum()) * np.sqrt(weights)
    z = np.clip(z, *np.quantile(z, [WINSORIZED_SHARE, 1 - WINSORIZED_SHARE]))
    return float((z**2).mean()) / _WINSORIZED_SQUARE


def stabilize_rates(
    successes: npt.ArrayLike, trials: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return rates on a scale where their variance depends on their n alone, with the variances.

    Formula: arcsin sqrt((x + 3/8) / (n + 3/4)), variance 1 / (4n + 2). Rates near 0 or 1 have
    skewed errors; on this scale they are nearly normal.

    Args:
        successes: Cases that count, shape ``(n_groups,)``.
        trials: Cases, at least 1, shape ``(n_groups,)``.

    Raises:
        InvalidInput: Counts are impossible.

    Source:
        Anscombe (1948), doi:10.1093/biomet/35.3-4.246;
        R: ``asin(sqrt((x + 3/8) / (n + 3/4)))``.

    Example:
        >>> values, variances = stabilize_rates([8], [10])
        >>> float(values[0].round(4)), float(variances[0].round(4))
        (1.0815, 0.0238)
    """
    x, n = (np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in (successes, trials))
    if x.shape != n.shape or not ((n >= 1) & (x >= 0) & (x <= n)).all():
        raise InvalidInput("rates need as many successes as trials, each 0 to its trials")
    return np.arcsin(np.sqrt((x + 0.375) / (n + 0.75))), 1 / (4 * n + 2)


def rate_of(stabilized: float) -> float:
    """Return the rate, 0 to 1, that a value of the stabilised scale stands for.

    Example:
        >>> round(rate_of(0.7853981634), 6)
        0.5
    """
    return math.sin(min(max(stabilized, 0.0), math.pi / 2)) ** 2


def _winsorized_square(share: float) -> float:
    """Return the mean square of a standard normal winsorised by a share at either end."""
    edge = -float(special.ndtri(share))
    density = math.exp(-edge * edge / 2) / math.sqrt(2 * math.pi)
    return 2 * share * edge**2 + (1 - 2 * share) - 2 * edge * density


_WINSORIZED_SQUARE: Final = _winsorized_square(WINSORIZED_SHARE)
