"""Empirical Bayes: what the mean of a small group says once all groups are known.

For: means and rates of organizations (``insight.peers``). Not for: whether one of them stands out
(``funnels``), or where it ranks (``ranks``).

The mean of twenty answers is mostly luck. Groups are taken as a sample of groups: the more a mean
is luck, the nearer to the centre of all groups its best estimate lies.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData

MINIMUM_GROUPS: Final = 3
"""Fewest groups whose spread is estimated."""

_STEPS: Final = 60

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a group before its own figures: the spread of the others' true values."""

    mean: float
    """Centre of the groups' true values, in the unit of the figures."""

    mean_error: float
    """Standard error of the centre."""

    between_variance: float
    """Variance of the groups' true values, in the unit squared; 0: chance explains all."""

    n_groups: int

    def posterior(self, values: npt.ArrayLike, variances: npt.ArrayLike) -> "Shrunken":
        """Return the best estimates of groups, members of the prior or not.

        Formula: mean + B (value - mean), B = between / (between + variance); variance of the
        estimate B variance + (1 - B)² error(mean)².

        Args:
            values: Observed figures, shape ``(n,)``, nothing missing.
            variances: Their sampling variances, positive, shape ``(n,)``.

        Raises:
            InvalidInput: Shapes differ, or a figure is missing or impossible.
        """
        y, v = checked_groups(values, variances)
        kept = self.between_variance / (self.between_variance + v)
        return Shrunken(
            values=self.mean + kept * (y - self.mean),
            errors=np.sqrt(kept * v + (1 - kept) ** 2 * self.mean_error**2),
            kept_shares=kept,
        )


@dataclass(frozen=True, slots=True)
class Shrunken:
    """Best estimates of groups."""

    values: FloatArray
    """Shape ``(n,)``, in the unit of the figures."""

    errors: FloatArray
    """Their standard errors, shape ``(n,)``."""

    kept_shares: FloatArray
    """How much of its distance from the centre each figure keeps, 0 to 1, shape ``(n,)``."""


def estimate_prior(values: npt.ArrayLike, variances: npt.ArrayLike) -> Prior:
    """Return centre and spread of the true values of groups, by Paule and Mandel.

    The between variance is the one at which the weighted squares of the deviations from the centre
    sum to the number of groups less one; 0 when they stay below that without any.

    Args:
        values: Observed figures of the groups, shape ``(n_groups,)``, nothing missing.
        variances: Their sampling variances, positive, shape ``(n_groups,)``.

    Raises:
        InvalidInput: Shapes differ, or a figure is missing or impossible.
        NotEnoughData: Fewer than 3 groups.

    Source:
        Paule & Mandel (1982), doi:10.6028/jres.087.022; Morris (1983),
        doi:10.1080/01621459.1983.10477920; R: ``metafor::rma(y, v, method = "PM")``, or base R's
        ``uniroot`` on the sum of squares.

    Example:
        >>> prior = estimate_prior([48.0, 50.0, 55.0, 61.0], [4.0, 1.0, 4.0, 9.0])
        >>> round(prior.mean, 3), round(prior.between_variance, 3)
        (53.147, 27.355)
    """
    y, v = checked_groups(values, variances)
    if len(y) < MINIMUM_GROUPS:
        raise NotEnoughData(
            f"the spread of groups needs at least {MINIMUM_GROUPS} of them, found {len(y)}"
        )
    between = _paule_mandel(y, v)
    weights = 1 / (v + between)
    centre = float((weights * y).sum() / weights.sum())
    return Prior(centre, 1 / math.sqrt(float(weights.sum())), between, len(y))


def checked_groups(
    values: npt.ArrayLike, variances: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return figures of groups and their variances as arrays.

    Raises:
        InvalidInput: Shapes differ, or a figure is missing or impossible.
    """
    y, v = (np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in (values, variances))
    if y.ndim != 1 or y.shape != v.shape:
        raise InvalidInput(f"groups have a figure and a variance each, found {y.shape}, {v.shape}")
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise InvalidInput("a group's figure is missing, or its variance is not positive")
    return y, v


def _paule_mandel(y: FloatArray, v: FloatArray) -> float:
    wanted = len(y) - 1

    def excess(between: float) -> tuple[float, float]:
        weights = 1 / (v + between)
        deviation = y - (weights * y).sum() / weights.sum()
        return (
            float((weights * deviation**2).sum()) - wanted,
            -float((weights**2 * deviation**2).sum()),
        )

    between = 0.0
    # Newton's steps on a convex decreasing function come from the left and never overshoot.
    for _ in range(_STEPS):
        above, slope = excess(between)
        if above <= 1e-12 * wanted or slope == 0:
            break
        between -= above / slope
    return between
