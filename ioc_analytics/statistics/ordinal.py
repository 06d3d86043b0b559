"""Ordinal logistic regression: the proportional odds model, fitted to counts.

For: item functioning by regression. Not for: predictors that differ between all people (the rows
here are distinct combinations, and each is visited at every step), or penalties.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.counts import FloatArray

_MOST_STEPS: Final = 100
_CONVERGED: Final = 1e-12
"""Twice the gain in log-likelihood that one more step promises."""


_FLAT: Final = 1e3
"""A standard error beyond this, in log odds, means that the likelihood rises for ever."""


@dataclass(frozen=True, slots=True)
class OrdinalFit:
    """A fitted proportional odds model."""

    log_likelihood: float
    thresholds: tuple[float, ...]
    """Log odds of an answer at or below each category but the last, at predictors of 0."""

    coefficients: tuple[float, ...]
    """Change of the log odds of a higher answer, per unit of each predictor."""

    standard_errors: tuple[float, ...]
    """Of the coefficients, from the expected information."""


def fit_proportional_odds(predictors: npt.ArrayLike, counts: npt.ArrayLike) -> OrdinalFit:
    """Fit logit P(Y <= j) = threshold_j - predictors · coefficients by maximum likelihood.

    Fisher scoring with step halving; people of equal predictors are one row of counts.

    Args:
        predictors: Distinct combinations, shape ``(n_rows, n_predictors)``; at best of size about
            1, such as standardized ones.
        counts: People per combination and answer, shape ``(n_rows, n_categories)``; answers that
            nobody gave must be left out.

    Raises:
        InvalidInput: Shapes do not fit, or a count is negative.
        NotEnoughData: Fewer than two answers occur, or no finite maximum exists: some predictor
            tells the answers apart without exception, or is constant.

    Source:
        McCullagh (1980), doi:10.1111/j.2517-6161.1980.tb01109.x; R: ``MASS::polr`` with
        ``control = list(reltol = 1e-14)`` (``make_dif_reference.R``).

    Example:
        >>> fit = fit_proportional_odds([[0.0], [1.0]], [[30, 10], [10, 30]])
        >>> round(fit.coefficients[0], 6), round(fit.thresholds[0], 6)
        (2.197225, 1.098612)
    """
    design = np.asarray(predictors, dtype=np.float64)
    table = np.asarray(counts, dtype=np.float64)
    if design.ndim != 2 or table.ndim != 2 or len(design) != len(table) or (table < 0).any():
        raise InvalidInput(
            f"predictors (n, p) and counts (n, k) of 0 or more must fit, found {design.shape} and "
            f"{table.shape}"
        )
    totals = table.sum(axis=0)
    if len(totals) < 2 or not totals.all():
        raise NotEnoughData("an ordinal regression needs at least two answers, each given by some")
    shares = np.cumsum(totals)[:-1] / totals.sum()
    values = np.concatenate([special.logit(shares), np.zeros(design.shape[1])])
    likelihood, gradient, information = _derive(values, design, table)
    for _ in range(_MOST_STEPS):
        try:
            covariance = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            break
        step = covariance @ gradient
        promised = float(gradient @ step)
        for _ in range(_MOST_STEPS):
            tried = _derive(values + step, design, table)
            if tried[0] >= likelihood - _CONVERGED:
                break
            step = step / 2
        else:
            break
        values = values + step
        likelihood, gradient, information = tried
        if promised < _CONVERGED:
            errors = np.sqrt(np.diag(covariance))
            if not errors.max() < _FLAT:
                break
            cut = len(shares)
            return OrdinalFit(
                likelihood,
                tuple(values[:cut].tolist()),
                tuple(values[cut:].tolist()),
                tuple(errors[cut:].tolist()),
            )
    raise NotEnoughData(
        "the ordinal regression has no finite maximum: a predictor is constant, or tells the "
        "answers apart without exception"
    )


def _derive(
    values: FloatArray, design: FloatArray, table: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return log-likelihood, gradient and expected information; minus infinity off the range."""
    n_rows, n_cuts = len(design), table.shape[1] - 1
    thresholds, slopes = values[:n_cuts], values[n_cuts:]
    below = special.expit(thresholds - (design @ slopes)[:, np.newaxis])
    edges = np.pad(below, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
    shares = np.diff(edges, axis=1)
    if (np.diff(thresholds) <= 0).any() or (shares <= 0).any():
        return -np.inf, np.empty(0), np.empty((0, 0))
    density = np.pad(below * (1 - below), ((0, 0), (1, 1)))
    # How each answer's share moves with each value, shape (n_rows, n_categories, n_values).
    moves = np.zeros((n_rows, n_cuts + 1, len(values)))
    for cut in range(n_cuts):
        moves[:, cut, cut] = density[:, cut + 1]
        moves[:, cut + 1, cut] = -density[:, cut + 1]
    moves[:, :, n_cuts:] = -np.diff(density, axis=1)[:, :, np.newaxis] * design[:, np.newaxis, :]
    gradient = np.einsum("ij,ijk->k", table / shares, moves)
    expected = table.sum(axis=1)[:, np.newaxis] / shares
    information = np.einsum("ij,ijk,ijl->kl", expected, moves, moves)
    return float((table * np.log(shares)).sum()), gradient, information
