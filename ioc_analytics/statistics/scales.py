"""Scales on which a metric behaves: counts as logarithms, shares as log odds.

For: forecasts and control charts. On its own scale a metric has errors of one size, and whatever
is computed there comes back possible: a count is never negative, a share lies within 0..1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput

ScaleName = Literal["count", "share", "points", "duration"]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """A way there and back; both keep the order of values and pass NaN on."""

    name: ScaleName
    formula: str
    low: float
    high: float
    """Ends of what is possible."""

    _there: Callable[[FloatArray], FloatArray]
    _back: Callable[[FloatArray], FloatArray]

    def transform(self, values: npt.ArrayLike, trials: npt.ArrayLike | None = None) -> FloatArray:
        """Return values on this scale.

        Args:
            values: In the unit of the metric; NaN where missing.
            trials: Cases behind each share. (x + 1/2) / (n + 1) then stands for x / n, so that 0
                and 1 have log odds; without trials, shares are kept 0.0005 away from both.

        Raises:
            InvalidInput: A value is impossible.

        Example:
            >>> odds = SCALES["share"].transform([0.0, 0.5], [9, 9])
            >>> SCALES["share"].restore(odds).round(3).tolist()
            [0.05, 0.5]
        """
        x = np.asarray(values, dtype=np.float64)
        if ((x < self.low) | (x > self.high)).any():
            raise InvalidInput(
                f"a {self.name} lies between {self.low:g} and {self.high:g}, found "
                f"{np.nanmin(x):g} to {np.nanmax(x):g}"
            )
        if self.name == "share":
            n = 999.0 if trials is None else np.maximum(np.asarray(trials, dtype=np.float64), 1)
            x = (x * n + 0.5) / (n + 1)
        return self._there(x)

    def restore(self, values: npt.ArrayLike) -> FloatArray:
        """Return values of this scale in the unit of the metric."""
        back = self._back(np.asarray(values, dtype=np.float64))
        return np.clip(back, self.low, self.high)


def _restore_count(values: FloatArray) -> FloatArray:
    # Beyond e^700 a double ends; no forecast means such a number.
    return np.expm1(np.minimum(values, 700.0))


SCALES: Final[Mapping[ScaleName, Scale]] = {
    "count": Scale("count", "log(1 + x)", 0.0, np.inf, np.log1p, _restore_count),
    "share": Scale("share", "logit", 0.0, 1.0, special.logit, special.expit),
    "points": Scale("points", "x", 0.0, 100.0, np.copy, np.copy),
    "duration": Scale("duration", "log(1 + x)", 0.0, np.inf, np.log1p, _restore_count),
}
"""Counts, shares, points of 0 to 100, and durations in seconds."""
