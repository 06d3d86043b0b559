"""The models that race to forecast a series: seasonal naive, exponential smoothing, ARIMA.

For: ``forecasting``. Not for: choosing among them.

A model is fitted once and then asked from any later origin: its parameters stay, its state follows
the values up to there. The statsmodels library takes seconds to import, so it is imported on use.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

NAIVE: Final = "seasonal_naive"


class Predict(Protocol):
    """A fitted model: values up to an origin in, mean and standard error of the next ones out."""

    def __call__(self, values: FloatArray, horizon: int) -> tuple[FloatArray, FloatArray]:
        """Return means and standard errors, each of shape ``(horizon,)``."""
        ...


Fit = Callable[[FloatArray, int], Predict]
"""Values (no gaps) and periods per season, 1 for none, to a fitted model.

Raises ``FitFailed`` when the fit does not converge.
"""


class FitFailed(Exception):
    """A model that cannot be fitted to these values; the message says why."""


def fit_naive(values: FloatArray, season: int) -> Predict:
    """Return the model that repeats the last season.

    Standard error: SD of seasonal differences times sqrt(whole seasons ahead), as Hyndman &
    Athanasopoulos (2021), Forecasting: Principles and Practice, section 5.5;
    R: ``forecast::snaive``.

    Example:
        >>> predict = fit_naive(np.array([1.0, 5.0, 2.0, 6.0]), season=2)
        >>> predict(np.array([3.0, 7.0]), horizon=3)[0].tolist()
        [3.0, 7.0, 3.0]
    """
    spread = float(np.sqrt(((values[season:] - values[:-season]) ** 2).mean()))

    def predict(values: FloatArray, horizon: int) -> tuple[FloatArray, FloatArray]:
        cycles = np.arange(horizon) // season + 1
        return np.resize(values[-season:], horizon), spread * np.sqrt(cycles)

    return predict


def fit_ets(values: FloatArray, season: int) -> Predict:
    """Return exponential smoothing with a damped trend and, if there is one, a season.

    ETS(A,Ad,A) or ETS(A,Ad,N), maximum likelihood, exact forecast variance: Hyndman et al. (2008),
    doi:10.1007/978-3-540-71918-2; R: ``forecast::ets(y, "AAA", damped = TRUE)``.
    """
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    def model(part: FloatArray) -> Any:
        return ETSModel(
            pd.Series(part),
            error="add",
            trend="add",
            damped_trend=True,
            seasonal="add" if season > 1 else None,
            seasonal_periods=season if season > 1 else None,
        )

    with _quiet():
        fitted = model(values).fit(disp=False)
    if not fitted.mle_retvals["converged"]:
        raise FitFailed("exponential smoothing did not converge")

    def predict(values: FloatArray, horizon: int) -> tuple[FloatArray, FloatArray]:
        with _quiet():
            smoothed = model(values).smooth(fitted.params)
            ahead = smoothed.get_prediction(start=len(values), end=len(values) + horizon - 1)
            # The variance of the fit, not of the values up to here, as for the other models.
            variance = ahead.forecast_variance * (fitted.scale / smoothed.scale)
        return np.asarray(ahead.predicted_mean), np.sqrt(np.asarray(variance))

    return predict


def fit_arima(values: FloatArray, season: int) -> Predict:
    """Return ARMA(1,1) errors around a level for each place of the season.

    Exact maximum likelihood (Kalman filter): Harvey (1989), doi:10.1017/CBO9781107049994;
    R: ``arima(y, c(1, 0, 1), xreg = seasonal dummies)``.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    def places(start: int, stop: int) -> FloatArray | None:
        if season == 1:
            return None
        is_place = np.arange(start, stop)[:, None] % season == np.arange(1, season)
        return np.asarray(is_place, dtype=np.float64)

    def model(part: FloatArray) -> Any:
        return SARIMAX(part, order=(1, 0, 1), trend="c", exog=places(0, len(part)))

    with _quiet():
        fitted = model(values).fit(disp=False, maxiter=200)
    if not fitted.mle_retvals["converged"]:
        raise FitFailed("ARIMA did not converge")

    def predict(values: FloatArray, horizon: int) -> tuple[FloatArray, FloatArray]:
        n = len(values)
        with _quiet():
            filtered = model(values).filter(fitted.params)
            ahead = filtered.get_forecast(horizon, exog=places(n, n + horizon))
        return np.asarray(ahead.predicted_mean), np.asarray(ahead.se_mean)

    return predict


MODELS: Final[Mapping[str, Fit]] = {NAIVE: fit_naive, "ets": fit_ets, "arima": fit_arima}
"""All that race; the naive one is always among them."""


@contextmanager
def _quiet() -> Iterator[None]:
    from threadpoolctl import threadpool_limits  # scikit-learn brings it

    # What matters of statsmodels' warnings is asked for (convergence); none may reach a user.
    # Its matrices have a few rows: threads that wait for each other take 15 times as long.
    with warnings.catch_warnings(), np.errstate(all="ignore"), threadpool_limits(1, "blas"):
        warnings.simplefilter("ignore")
        yield
