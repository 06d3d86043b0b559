"""How good predictions were: error, interval coverage, pinball loss, Brier score, calibration.

For: the race of models (``forecasting``), predictions whose truth has arrived. Not for: people's
scores (``scoring``).

A proper rule is best, on average, for whoever says what they believe: the absolute error asks for
the median, pinball loss for a quantile, the Brier score for a probability.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level

MINIMUM_OF_EACH: Final = 10
"""Fewest outcomes of either kind that a calibration slope is judged on."""

_SURE: Final = 1e-6
"""Probabilities nearer to 0 or 1 have no usable logit."""

_STEPS: Final = 50

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether probabilities mean what they say."""

    slope: float
    """1: they spread as much as they should; below 1: they are too extreme."""

    slope_interval: ConfidenceInterval
    intercept: float
    """Calibration in the large: log odds to add to all of them, with a slope of 1; 0 is best."""

    sample_size: int


def mean_absolute_error(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return mean |actual - predicted|, in the unit of the values.

    Args:
        actual: What came, shape ``(n,)``, nothing missing.
        predicted: What was said, shape ``(n,)``.

    Raises:
        InvalidInput: Shapes differ or a value is not finite.
        NotEnoughData: There is no value.

    Example:
        >>> mean_absolute_error([1.0, 3.0], [2.0, 3.0])
        0.5
    """
    came, said = _checked(actual, predicted)
    return float(np.abs(came - said).mean())


def interval_coverage(actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> float:
    """Return the share of values that lie within their intervals, ends included.

    Raises:
        InvalidInput: Shapes differ, a value is not finite, or an interval ends before it begins.
        NotEnoughData: There is no value.

    Example:
        >>> interval_coverage([1.0, 5.0], [0.0, 0.0], [2.0, 4.0])
        0.5
    """
    came, least, most = _checked(actual, low, high)
    if (least > most).any():
        raise InvalidInput("an interval ends before it begins")
    return float(((least <= came) & (came <= most)).mean())


def pinball_loss(actual: npt.ArrayLike, quantile: npt.ArrayLike, probability: float) -> float:
    """Return the mean pinball loss of predicted quantiles, in the unit of the values.

    Formula: p (y - q) where y is not below q, else (1 - p) (q - y); at p = 0.5 half the absolute
    error.

    Args:
        actual: What came, shape ``(n,)``, nothing missing.
        quantile: The predicted quantile, shape ``(n,)``.
        probability: p, strictly between 0 and 1.

    Raises:
        InvalidInput: Shapes differ, a value is not finite, or p is impossible.
        NotEnoughData: There is no value.

    Source:
        Koenker & Bassett (1978), doi:10.2307/1913643;
        R: ``mean((y - q) * (p - (y < q)))``.

    Example:
        >>> pinball_loss([10.0, 2.0], [6.0, 6.0], 0.75)
        2.0
    """
    p = checked_level(probability)
    came, said = _checked(actual, quantile)
    return float(((came - said) * (p - (came < said))).mean())


def brier_score(outcomes: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Return the mean squared distance of probabilities from outcomes, 0 (best) to 1.

    Args:
        outcomes: 0 or 1, shape ``(n,)``.
        probabilities: 0 to 1, shape ``(n,)``.

    Raises:
        InvalidInput: Shapes differ, or a value is impossible.
        NotEnoughData: There is no value.

    Source:
        Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2;
        R: ``mean((p - y)^2)``.

    Example:
        >>> brier_score([1, 0], [0.5, 0.0])
        0.125
    """
    came, said = _checked_probabilities(outcomes, probabilities)
    return float(((said - came) ** 2).mean())


def calibrate(
    outcomes: npt.ArrayLike, probabilities: npt.ArrayLike, level: float = DEFAULT_LEVEL
) -> Calibration:
    """Return slope and intercept of outcomes on the log odds that were said.

    Formula: logit P(y = 1) = a + b logit p by maximum likelihood, Wald interval of b; the intercept
    is that of a model with b = 1. Probabilities nearer than 1e-6 to 0 or 1 count as that.

    Args:
        outcomes: 0 or 1, shape ``(n,)``, nothing missing.
        probabilities: 0 to 1, shape ``(n,)``.
        level: Confidence of the slope's interval.

    Raises:
        InvalidInput: Shapes differ, or a value is impossible.
        NotEnoughData: Fewer than 10 outcomes of either kind, or all probabilities are alike, or
            they part the outcomes without an error, so that no slope is the most likely one.

    Source:
        Cox (1958), doi:10.1093/biomet/45.3-4.562; Van Calster et al. (2016),
        doi:10.1016/j.jclinepi.2015.12.005;
        R: ``glm(y ~ qlogis(p), binomial)`` and ``glm(y ~ offset(qlogis(p)), binomial)``.
    """
    came, said = _checked_probabilities(outcomes, probabilities)
    fewest = int(min(came.sum(), (1 - came).sum()))
    if fewest < MINIMUM_OF_EACH:
        raise NotEnoughData(
            f"a calibration slope needs {MINIMUM_OF_EACH} outcomes of either kind, found {fewest}"
        )
    odds = special.logit(np.clip(said, _SURE, 1 - _SURE))
    if float(np.ptp(odds)) < 1e-9:
        raise NotEnoughData("a calibration slope needs probabilities that differ, found one value")
    ones = np.ones(len(odds))
    (_, slope), information = _fit_logistic(np.column_stack([ones, odds]), came, 0 * ones)
    (intercept,), _ = _fit_logistic(ones[:, None], came, odds)
    half = -float(special.ndtri((1 - checked_level(level)) / 2)) * float(
        np.sqrt(np.linalg.inv(information)[1, 1])
    )
    interval = ConfidenceInterval(level, slope - half, slope + half, "wald")
    return Calibration(slope, interval, intercept, len(came))


def _fit_logistic(
    columns: FloatArray, outcomes: FloatArray, offset: FloatArray
) -> tuple[list[float], FloatArray]:
    """Return the most likely coefficients, and the information at them (Newton's steps)."""
    beta = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        mean = special.expit(columns @ beta + offset)
        information = (columns * (mean * (1 - mean))[:, None]).T @ columns
        # Outcomes parted without an error let the slope run away and the information vanish.
        if np.linalg.cond(information) > 1e12 or np.abs(beta).max() > 1e3:
            break
        step = np.linalg.solve(information, columns.T @ (outcomes - mean))
        beta += step
        if np.abs(step).max() < 1e-10:
            return beta.tolist(), information
    raise NotEnoughData("the probabilities part the outcomes without an error: there is no slope")


def _checked(*columns: npt.ArrayLike) -> tuple[FloatArray, ...]:
    arrays = tuple(np.asarray(column, dtype=np.float64) for column in columns)
    if any(a.ndim != 1 or a.shape != arrays[0].shape for a in arrays):
        raise InvalidInput(
            "what came and what was said must be rows of one length, found shapes "
            + " and ".join(str(a.shape) for a in arrays)
        )
    if not len(arrays[0]):
        raise NotEnoughData("a prediction is scored on at least 1 value that came, found 0")
    if not all(np.isfinite(a).all() for a in arrays):
        raise InvalidInput("predictions are scored on finite values; leave out what is missing")
    return arrays


def _checked_probabilities(
    outcomes: npt.ArrayLike, probabilities: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    came, said = _checked(outcomes, probabilities)
    if not np.isin(came, (0, 1)).all() or (said < 0).any() or (said > 1).any():
        raise InvalidInput("outcomes are 0 or 1 and probabilities lie between 0 and 1")
    return came, said
