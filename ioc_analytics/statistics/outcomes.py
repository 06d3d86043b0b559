"""Probabilities of an outcome: models race over later snapshots, the plainest good one wins.

For: the completion of open responses. Not for: series (``forecasting``) or judging probabilities
(``scoring_rules``).

Rows belong to snapshots, ascending in time. At each later snapshot every model is fitted to the
earlier ones alone and asked about this one, so that what is measured is what a user will meet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.statistics.intervals import ConfidenceInterval, checked_level
from ioc_analytics.statistics.scoring_rules import Calibration, brier_score, calibrate

MINIMUM_OUTCOMES: Final = 100
"""Fewest rows of either outcome, Collins et al. (2016), doi:10.1002/sim.6787."""

MINIMUM_SNAPSHOTS: Final = 4
MINIMUM_BEFORE: Final = 20
"""Fewest rows of either outcome before the first snapshot that models are asked about."""

BASE_RATE: Final = "base_rate"

FloatArray = npt.NDArray[np.float64]
Predict = Callable[[pd.DataFrame], FloatArray]


@dataclass(frozen=True, slots=True)
class OutcomeRaceResult:
    """How a model did over later snapshots that it had not seen."""

    model: str
    brier: float
    """Mean squared distance of the probability from the outcome, 0 (best) to 1."""

    calibration: Calibration | None
    """None: all its probabilities are alike."""


@dataclass(frozen=True, slots=True)
class OutcomeModel:
    """A model fitted to all snapshots, and what is known of it."""

    name: str
    """``base_rate``, ``logistic`` or ``boosting``."""

    predict: Predict
    """Features in, probabilities out, shape ``(n_rows,)``."""

    race: tuple[OutcomeRaceResult, ...]
    evaluated: int
    """Rows that models were asked about."""

    snapshots: int
    """Snapshots that they belong to."""

    dispersion: float
    """How many times as large as chance allows the squared errors of sums are, at least 1."""

    sample_size: int

    def sum_interval(self, probabilities: npt.ArrayLike, level: float) -> ConfidenceInterval:
        """Return an interval for how many rows of a snapshot to come will have the outcome.

        Formula: sum p ± t(snapshots) sqrt(dispersion sum p (1 - p)), within 0 and the rows.

        Args:
            probabilities: 0 to 1, shape ``(n_rows,)``.
            level: Probability, 0 to 1, that the interval is meant to cover what comes.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        t = -float(special.stdtrit(self.snapshots, (1 - checked_level(level)) / 2))
        half = t * float(np.sqrt(self.dispersion * (p * (1 - p)).sum()))
        low, high = max(0.0, float(p.sum()) - half), min(float(len(p)), float(p.sum()) + half)
        return ConfidenceInterval(level, low, high, "errors_of_backtest")


def race_outcomes(
    features: pd.DataFrame, outcomes: npt.ArrayLike, snapshots: npt.ArrayLike
) -> OutcomeModel:
    """Return the plainest model that nothing beats beyond chance.

    Models: the share of all rows (``base_rate``); logistic regression with a ridge penalty
    (R: ``glmnet(x, y, "binomial", alpha = 0)``); gradient boosted trees (Friedman 2001,
    doi:10.1214/aos/1013203451). A model replaces a plainer one when its squared errors are smaller
    by more than two standard errors, taken over snapshots.

    Args:
        features: Shape ``(n_rows, n_features)``; columns of numbers (nothing missing) and of words.
        outcomes: 0 or 1, shape ``(n_rows,)``.
        snapshots: Number of each row's snapshot, ascending in time, shape ``(n_rows,)``.

    Raises:
        NotEnoughData: Fewer than 100 rows of either outcome, or than 4 snapshots.

    Example:
        >>> x = pd.DataFrame({"x": np.tile([0.0, 1.0], 400)})
        >>> y = np.tile([0, 0, 0, 1, 1, 1, 1, 0], 100)
        >>> race_outcomes(x, y, np.repeat(range(8), 100)).name
        'base_rate'
    """
    y, at = np.asarray(outcomes, dtype=np.float64), np.asarray(snapshots, dtype=np.int64)
    first = _first_asked(y, at)
    is_asked = at >= first
    said = {name: np.empty(int(is_asked.sum())) for name in MODELS}
    for snapshot in np.unique(at[is_asked]):
        is_before, is_now = at < snapshot, at == snapshot
        for name, fit in MODELS.items():
            predict = fit(features[is_before], y[is_before])
            said[name][is_now[is_asked]] = predict(features[is_now])
    came, when = y[is_asked], at[is_asked]
    winner = BASE_RATE
    for name in MODELS:
        if _is_better(came, said[name], said[winner], when):
            winner = name
    return OutcomeModel(
        name=winner,
        predict=MODELS[winner](features, y),
        race=tuple(_judged(name, came, p) for name, p in said.items()),
        evaluated=len(came),
        snapshots=len(np.unique(when)),
        dispersion=_dispersion(came, said[winner], when),
        sample_size=len(y),
    )


def _first_asked(y: FloatArray, at: npt.NDArray[np.int64]) -> int:
    """Return the first snapshot that models are asked about: half of them lie before it."""
    happened = int(y.sum())
    known = np.unique(at)
    if min(happened, len(y) - happened) < MINIMUM_OUTCOMES or len(known) < MINIMUM_SNAPSHOTS:
        raise NotEnoughData(
            f"a model of an outcome needs {MINIMUM_OUTCOMES} rows with it and {MINIMUM_OUTCOMES} "
            f"without, at {MINIMUM_SNAPSHOTS} snapshots or more; found {happened} with and "
            f"{len(y) - happened} without, at {len(known)}"
        )
    for snapshot in known[len(known) // 2 :].tolist():
        before = y[at < snapshot]
        if min(before.sum(), len(before) - before.sum()) >= MINIMUM_BEFORE:
            return int(snapshot)
    raise NotEnoughData(
        f"a model of an outcome needs {MINIMUM_BEFORE} rows with it and {MINIMUM_BEFORE} without "
        f"before the newest snapshot; found {happened} and {len(y) - happened} in all"
    )


def _is_better(
    came: FloatArray, one: FloatArray, other: FloatArray, when: npt.NDArray[np.int64]
) -> bool:
    gain = (other - came) ** 2 - (one - came) ** 2
    sums = np.array([gain[when == snapshot].sum() for snapshot in np.unique(when)])
    if len(sums) < 2:
        return False
    return bool(sums.sum() > 2 * np.sqrt(len(sums) * sums.var(ddof=1)))


def _judged(name: str, came: FloatArray, said: FloatArray) -> OutcomeRaceResult:
    try:
        calibration = calibrate(came, said)
    except NotEnoughData:
        calibration = None
    # A share that moves between snapshots only has no slope that means anything.
    return OutcomeRaceResult(
        name, brier_score(came, said), None if name == BASE_RATE else calibration
    )


def _dispersion(came: FloatArray, said: FloatArray, when: npt.NDArray[np.int64]) -> float:
    squares = []
    for snapshot in np.unique(when):
        is_now = when == snapshot
        variance = float((said[is_now] * (1 - said[is_now])).sum())
        squares.append(float((came[is_now] - said[is_now]).sum()) ** 2 / max(variance, 1e-12))
    return max(1.0, float(np.mean(squares)))


def _fit_base_rate(features: pd.DataFrame, outcomes: FloatArray) -> Predict:
    # Laplace's rule keeps the share off 0 and 1.
    share = (outcomes.sum() + 1) / (len(outcomes) + 2)
    return lambda asked: np.full(len(asked), share)


def _fit_logistic(features: pd.DataFrame, outcomes: FloatArray) -> Predict:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(C=0.2, max_iter=1000)
    return _fitted(_prepared(StandardScaler()), model, features, outcomes)


def _fit_boosting(features: pd.DataFrame, outcomes: FloatArray) -> Predict:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=40, random_state=0
    )
    return _fitted(_prepared("passthrough"), model, features, outcomes)


def _prepared(numbers: Any) -> Any:
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.preprocessing import OneHotEncoder

    words = OneHotEncoder(handle_unknown="ignore", min_frequency=20, sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("words", words, make_column_selector(dtype_exclude="number")),
        ]
    )


def _fitted(prepared: Any, model: Any, features: pd.DataFrame, outcomes: FloatArray) -> Predict:
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import threadpool_limits  # scikit-learn brings it

    # Two threads that wait for each other on small tables are slower than one.
    with threadpool_limits(1):
        fitted = make_pipeline(prepared, model).fit(features, outcomes)

    def predict(asked: pd.DataFrame) -> FloatArray:
        with threadpool_limits(1):
            return np.asarray(fitted.predict_proba(asked)[:, 1], dtype=np.float64)

    return predict


MODELS: Final[Mapping[str, Callable[[pd.DataFrame, FloatArray], Predict]]] = {
    BASE_RATE: _fit_base_rate,
    "logistic": _fit_logistic,
    "boosting": _fit_boosting,
}
"""Plainest first."""
