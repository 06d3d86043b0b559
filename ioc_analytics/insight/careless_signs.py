"""The signs of careless responding over the sheets of one instrument, each with its cut-off.

For: ``insight.careless``, ``insight.careless_flags``. Not for: the formulas
(``statistics.careless``), or the flag that ingestion sets (``ingestion.careless``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.items import MISSING, keyed_answers
from ioc_analytics.statistics.careless import (
    even_odd_consistency,
    individual_sd,
    longest_run,
    synonym_consistency,
)
from ioc_analytics.statistics.counts import FloatArray
from ioc_analytics.statistics.item_moments import ItemMoments
from ioc_analytics.statistics.outliers import distance_p_values, mahalanobis_squared

LOWEST_EVEN_ODD: Final = 0.30
"""Below this a sheet contradicts itself (Jackson 1977, as in Johnson 2005)."""

LOWEST_SYNONYM: Final = 0.22
"""Below this synonyms are answered apart (DeSimone et al. 2015, doi:10.1002/job.1962)."""

FLAT_SHARE: Final = 0.1
"""Sheets whose SD is below this share of the scale's range are flat; there is no agreed limit."""

UNLIKELY: Final = 0.001
"""Distances with a smaller p-value are flagged: the usual limit for multivariate outliers."""

SIGNS: Final = ("longstring", "irv", "evenodd", "psychsyn", "mahad")
"""Names of the signs, as in the R package."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of every sheet."""

    name: str
    values: FloatArray
    """Shape ``(n_sheets,)``; NaN, which stands for *missing* here, where it cannot be had."""

    is_flagged: npt.NDArray[np.bool_]
    """Which sheets lie beyond the cut-off."""

    cut_off: str

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        """Of which sheets the sign can be had."""
        return ~np.isnan(self.values)


def signs_of(
    answers: npt.NDArray[np.int8], scale: Instrument, withheld: list[Mapping[str, str]]
) -> Iterator[Sign]:
    """Give the signs that can be had; say in ``withheld`` why another cannot.

    Args:
        answers: As given, shape ``(n_sheets, n_items)`` in catalogue order, ``MISSING`` where
            absent.
        scale: The questionnaire, which knows the order of presentation.
        withheld: Takes the reasons.
    """
    order = np.argsort([item.position for item in scale.items], kind="stable")
    items = [scale.items[at] for at in order]
    shown = answers[:, order]
    half = (len(items) + 1) // 2
    flat = FLAT_SHARE * (scale.scale_maximum - scale.scale_minimum)

    def even_odd() -> FloatArray:
        places = [[at for at, i in enumerate(items) if i.trait == trait] for trait in TRAITS]
        keyed = keyed_answers(shown, scale, order.tolist())
        return even_odd_consistency(keyed, [p for p in places if len(p) > 1], MISSING)

    def synonyms() -> FloatArray:
        likeness = ItemMoments.from_matrix(shown, missing=MISSING).correlation()
        return synonym_consistency(shown, likeness, MISSING)

    def is_unlikely(squared: FloatArray) -> npt.NDArray[np.bool_]:
        n = int((~np.isnan(squared)).sum())
        return distance_p_values(squared, n, len(items), largest=UNLIKELY) < UNLIKELY

    judged: tuple[tuple[str, Callable[[], Any], str, Callable[[Any], Any]], ...] = (
        ("longstring", lambda: longest_run(shown, MISSING), f">= {half}", lambda v: v >= half),
        ("irv", lambda: individual_sd(shown, MISSING), f"< {flat:g}", lambda v: v < flat),
        ("evenodd", even_odd, f"< {LOWEST_EVEN_ODD}", lambda v: v < LOWEST_EVEN_ODD),
        ("psychsyn", synonyms, f"< {LOWEST_SYNONYM}", lambda v: v < LOWEST_SYNONYM),
        ("mahad", lambda: _distances(shown), f"p < {UNLIKELY}", is_unlikely),
    )
    for name, measure, cut_off, is_flagged in judged:
        try:
            values = np.asarray(measure(), dtype=np.float64)
            if np.isnan(values).all():
                raise NotEnoughData("no sheet has the answers it needs")
            yield Sign(name, values, is_flagged(values), cut_off)
        except (InvalidInput, NotEnoughData) as error:
            withheld.append({"figure": f"indices.{scale.name}.{name}", "reason": str(error)})


def _distances(shown: npt.NDArray[np.int8]) -> FloatArray:
    """Return the squared distances of complete sheets, NaN for others."""
    is_complete = (shown != MISSING).all(axis=1)
    whole = shown[is_complete].astype(np.float64)
    n, n_items = whole.shape
    if n <= n_items + 1:
        raise NotEnoughData(f"{n} complete sheets, more than {n_items + 1} needed")
    squared = np.full(len(shown), np.nan)
    centre, spread = whole.mean(axis=0), np.cov(whole, rowvar=False)
    squared[is_complete] = mahalanobis_squared(whole, centre, spread)
    return squared
