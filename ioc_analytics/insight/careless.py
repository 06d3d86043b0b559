"""How many respond carelessly, by which signs, and what it does to the trait means.

For: the facade, reports. Not for: the signs (``statistics.careless``), or setting flags
(``ingestion.careless``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

from ioc_analytics.insight.refusals import nothing_passes
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.items import MISSING, keyed_answers
from ioc_analytics.states.reading import Ground, read_ground, read_groups, read_sheets, snapshot
from ioc_analytics.states.selection import Selection, select
from ioc_analytics.statistics.careless import (
    even_odd_consistency,
    individual_sd,
    longest_run,
    synonym_consistency,
)
from ioc_analytics.statistics.distributions import describe_counts, describe_sample
from ioc_analytics.statistics.intervals import ConfidenceInterval, wilson_interval
from ioc_analytics.statistics.item_moments import ItemMoments
from ioc_analytics.statistics.outliers import distance_p_values, mahalanobis_squared

SEGMENTS: Final = ("instrument", "industry_category")

LOWEST_EVEN_ODD: Final = 0.30
"""Below this a sheet contradicts itself (Jackson 1977, as in Johnson 2005)."""

LOWEST_SYNONYM: Final = 0.22
"""Below this synonyms are answered apart (DeSimone et al. 2015, doi:10.1002/job.1962)."""

FLAT_SHARE: Final = 0.1
"""Sheets whose SD is below this share of the scale's range are flat; there is no agreed limit."""

UNLIKELY: Final = 0.001
"""Distances with a smaller p-value are flagged: the usual limit for multivariate outliers."""


@dataclass(frozen=True, slots=True)
class CarelessRate:
    """The share of flagged responses in one segment."""

    dimension: str
    segment: str
    sample_size: int
    """Scored responses."""

    flagged: int
    rate: float
    """0 to 1."""

    confidence_interval: ConfidenceInterval


@dataclass(frozen=True, slots=True)
class CarelessIndex:
    """One sign over the sheets of one instrument."""

    name: str
    """``longstring``, ``irv``, ``evenodd``, ``psychsyn`` or ``mahad``, as in the R package."""

    sample_size: int
    """Sheets of which it can be had."""

    average: float
    std_dev: float | None
    median: float
    cut_off: str
    flagged: int


@dataclass(frozen=True, slots=True)
class TraitWithout:
    """A trait's mean with and without the flagged responses."""

    instrument: str
    trait: str
    sample_size: int
    average: float
    sample_size_without: int
    average_without: float


@dataclass(frozen=True, slots=True)
class CarelessAnalysis:
    """Careless responding in a selection."""

    rates: tuple[CarelessRate, ...]
    indices: Mapping[str, tuple[CarelessIndex, ...]]
    """By instrument."""

    traits: tuple[TraitWithout, ...]
    withheld: tuple[Mapping[str, str], ...]
    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()} | {
            "filters": [condition.to_dict() for condition in self.filters],
            "time_range": self.time_range.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per segment."""
        columns = ["dimension", "segment", "n", "flagged", "rate", "low", "high"]
        rows = [
            (r.dimension, r.segment, r.sample_size, r.flagged, r.rate)
            + (r.confidence_interval.low, r.confidence_interval.high)
            for r in self.rates
        ]
        return pd.DataFrame(rows, columns=columns)


def analyze_careless(
    connection: psycopg.Connection[Any],
    filters: Sequence[Filter],
    time_range: TimeRange,
    organization: Callable[[str], UUID],
) -> CarelessAnalysis:
    """Describe careless responding; rates and means from states, the signs from answers.

    Args:
        connection: A connection of the analyst's role.
        filters: Conditions, all of which must hold; none on ``is_careless``.
        time_range: Start times of the responses, half-open.
        organization: Gives the pseudonym of an organization's own id.

    Raises:
        InvalidInput: A filter on ``is_careless``, or only rows that are gone could answer.
        NotEnoughData: No scored response.
    """
    if any(condition.field == "is_careless" for condition in filters):
        raise InvalidInput(
            "careless responding is analysed over flagged and other responses together; leave "
            "the filter on is_careless out"
        )
    withheld: list[Mapping[str, str]] = []
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        categories = ground.catalogue.categories
        everyone = select(filters, categories, organization)
        others = select((*filters, Filter("is_careless", "eq", False)), categories, organization)
        rates = [r for by in SEGMENTS for r in _rates(connection, everyone, others, ground, by)]
        if not rates:
            raise nothing_passes("scored responses")
        traits = _traits(connection, everyone, others, ground)
        indices = {}
        for name in (rate.segment for rate in rates if rate.dimension == "instrument"):
            scale = ground.catalogue.instruments.get(name)
            if scale is None:
                continue  # scores came ready made, of a questionnaire that nobody registered
            try:
                blocks = list(read_sheets(connection, everyone, ground, scale))
            except InvalidInput as error:
                withheld.append({"figure": f"indices.{name}", "reason": str(error)})
                continue
            if blocks:
                indices[name] = tuple(_indices(np.vstack(blocks), scale, withheld))
    return CarelessAnalysis(
        tuple(rates),
        indices,
        tuple(traits),
        tuple(withheld),
        tuple(filters),
        time_range,
        ground.as_of,
    )


def _rates(
    connection: psycopg.Connection[Any],
    everyone: Selection,
    others: Selection,
    ground: Ground,
    by: str,
) -> list[CarelessRate]:
    whole, rest = (
        dict(zip((name for name, _ in g.keys), g.cells.responses.tolist(), strict=True))
        for g in (read_groups(connection, s, ground, by=by) for s in (everyone, others))
    )
    return [
        CarelessRate(by, name, n, flagged, flagged / n, wilson_interval(flagged, n))
        for name, n in whole.items()
        if n
        for flagged in (n - rest.get(name, 0),)
    ]


def _traits(
    connection: psycopg.Connection[Any], everyone: Selection, others: Selection, ground: Ground
) -> list[TraitWithout]:
    whole, rest = (
        {name: g.cells.choose([at]) for at, (name, _) in enumerate(g.keys)}
        for g in (read_groups(connection, s, ground, by="instrument") for s in (everyone, others))
    )
    found = []
    for name in whole.keys() & rest.keys():
        for at, trait in enumerate(TRAITS):
            all_counts, rest_counts = (cells[name].of_trait(at) for cells in (whole, rest))
            if len(rest_counts[0]):
                a, b = (describe_counts(*c, edges=None) for c in (all_counts, rest_counts))
                found.append(
                    TraitWithout(name, trait, a.sample_size, a.average, b.sample_size, b.average)
                )
    return sorted(found, key=lambda one: (one.instrument, TRAITS.index(one.trait)))


def _indices(
    answers: npt.NDArray[np.int8], scale: Instrument, withheld: list[Mapping[str, str]]
) -> list[CarelessIndex]:
    order = np.argsort([item.position for item in scale.items], kind="stable")
    items = [scale.items[at] for at in order]
    shown = answers[:, order]
    half = (len(items) + 1) // 2
    flat = FLAT_SHARE * (scale.scale_maximum - scale.scale_minimum)

    def even_odd() -> npt.NDArray[np.float64]:
        places = [[at for at, i in enumerate(items) if i.trait == trait] for trait in TRAITS]
        keyed = keyed_answers(shown, scale, order.tolist())
        return even_odd_consistency(keyed, [p for p in places if len(p) > 1], MISSING)

    def synonyms() -> npt.NDArray[np.float64]:
        likeness = ItemMoments.from_matrix(shown, missing=MISSING).correlation()
        return synonym_consistency(shown, likeness, MISSING)

    def distances() -> npt.NDArray[np.float64]:
        whole = shown[(shown != MISSING).all(axis=1)].astype(np.float64)
        if len(whole) <= len(items) + 1:
            raise NotEnoughData(f"{len(whole)} complete sheets, more than {len(items) + 1} needed")
        return mahalanobis_squared(whole, whole.mean(axis=0), np.cov(whole, rowvar=False))

    def is_unlikely(squared: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return distance_p_values(squared, len(squared), len(items)) < UNLIKELY

    signs: tuple[tuple[str, Callable[[], Any], str, Callable[[Any], Any]], ...] = (
        ("longstring", lambda: longest_run(shown, MISSING), f">= {half}", lambda v: v >= half),
        ("irv", lambda: individual_sd(shown, MISSING), f"< {flat:g}", lambda v: v < flat),
        ("evenodd", even_odd, f"< {LOWEST_EVEN_ODD}", lambda v: v < LOWEST_EVEN_ODD),
        ("psychsyn", synonyms, f"< {LOWEST_SYNONYM}", lambda v: v < LOWEST_SYNONYM),
        ("mahad", distances, f"p < {UNLIKELY}", is_unlikely),
    )
    found = []
    for name, measure, cut_off, is_flagged in signs:
        try:
            values = np.asarray(measure(), dtype=np.float64)
            values = values[~np.isnan(values)]
            d = describe_sample(values, edges=None)
        except (InvalidInput, NotEnoughData) as error:
            withheld.append({"figure": f"indices.{scale.name}.{name}", "reason": str(error)})
            continue
        flagged = int(is_flagged(values).sum())
        found.append(
            CarelessIndex(name, d.sample_size, d.average, d.std_dev, d.median, cut_off, flagged)
        )
    return found
