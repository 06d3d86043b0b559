"""How many respond carelessly, by which signs, and what it does to the figures of the traits.

For: the facade, reports. Not for: the signs (``statistics.careless``), or setting flags
(``ingestion.careless``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import combinations
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg

from ioc_analytics.insight.careless_signs import signs_of
from ioc_analytics.insight.groupings import check_grouping
from ioc_analytics.insight.ocean import reliability_of
from ioc_analytics.insight.refusals import nothing_passes
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.cells import TraitCells
from ioc_analytics.states.reading import (
    Ground,
    read_ground,
    read_groups,
    read_items,
    read_sheets,
    snapshot,
)
from ioc_analytics.states.selection import Selection, select
from ioc_analytics.statistics.correlation import Correlation, correlate_traits
from ioc_analytics.statistics.distributions import describe_counts, describe_sample
from ioc_analytics.statistics.intervals import ConfidenceInterval, wilson_interval
from ioc_analytics.statistics.reliability import Reliability

SEGMENTS: Final = ("instrument", "industry_category")


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
    """A trait with and without the flagged responses."""

    instrument: str
    trait: str
    sample_size: int
    average: float
    std_dev: float | None
    alpha: float | None
    """None without answers to its items, as all alphas and SDs that cannot be had."""

    sample_size_without: int
    average_without: float
    std_dev_without: float | None
    alpha_without: float | None


@dataclass(frozen=True, slots=True)
class CorrelationWithout:
    """Two traits with and without the flagged responses."""

    instrument: str
    first: str
    second: str
    with_flagged: Correlation
    without: Correlation


@dataclass(frozen=True, slots=True)
class CarelessAnalysis:
    """Careless responding in a selection."""

    rates: tuple[CarelessRate, ...]
    indices: Mapping[str, tuple[CarelessIndex, ...]]
    """By instrument."""

    traits: tuple[TraitWithout, ...]
    correlations: tuple[CorrelationWithout, ...]
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
    by: Sequence[str] = SEGMENTS,
) -> CarelessAnalysis:
    """Describe careless responding; rates and traits from states, the signs from answers.

    Args:
        connection: A connection of the analyst's role.
        filters: Conditions, all of which must hold; none on ``is_careless``.
        time_range: Start times of the responses, half-open.
        organization: Gives the pseudonym of an organization's own id.
        by: Groupings whose segments have a rate, such as ``region``.

    Raises:
        InvalidInput: A filter on ``is_careless``, an unknown grouping, or only rows that are gone
            could answer.
        NotEnoughData: No scored response.
    """
    if any(condition.field == "is_careless" for condition in filters):
        raise InvalidInput(
            "careless responding is analysed over flagged and other responses together; leave "
            "the filter on is_careless out"
        )
    segments = [check_grouping(one) for one in by]
    withheld: list[Mapping[str, str]] = []
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        categories = ground.catalogue.categories
        everyone = select(filters, categories, organization)
        others = select((*filters, Filter("is_careless", "eq", False)), categories, organization)
        rates = [r for one in segments for r in _rates(connection, everyone, others, ground, one)]
        if not rates:
            raise nothing_passes("scored responses")
        pair = [
            _by_instrument(connection, selection, ground, notes)
            for selection, notes in ((everyone, withheld), (others, []))
        ]
        indices = {}
        for name in pair[0]:
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
        tuple(_traits(*pair)),
        tuple(_correlations(*pair)),
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


@dataclass(frozen=True, slots=True)
class _Scored:
    """The scored responses of one instrument."""

    cells: TraitCells
    reliability: Mapping[str, Reliability]


def _by_instrument(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    withheld: list[Mapping[str, str]],
) -> dict[str, _Scored]:
    groups = read_groups(connection, selection, ground, by="instrument")
    found = {}
    for at, (name, _) in enumerate(groups.keys):
        reliability: Mapping[str, Reliability] = {}
        scale = ground.catalogue.instruments.get(name)
        try:
            items = scale and read_items(connection, selection, ground, scale)
            if scale and items:
                reliability = reliability_of(scale, items, withheld)
        except InvalidInput as error:
            withheld.append({"figure": f"reliability.{name}", "reason": str(error)})
        found[name] = _Scored(groups.cells.choose([at]), reliability)
    return found


def _traits(whole: Mapping[str, _Scored], rest: Mapping[str, _Scored]) -> Iterator[TraitWithout]:
    for name in sorted(whole.keys() & rest.keys()):
        both = (whole[name], rest[name])
        for at, trait in enumerate(TRAITS):
            counts = [one.cells.of_trait(at) for one in both]
            if not len(counts[1][0]):
                continue
            a, b = (describe_counts(*c, edges=None) for c in counts)
            alphas = [
                one.reliability[trait].alpha if trait in one.reliability else None for one in both
            ]
            yield TraitWithout(
                instrument=name,
                trait=trait,
                sample_size=a.sample_size,
                average=a.average,
                std_dev=a.std_dev,
                alpha=alphas[0],
                sample_size_without=b.sample_size,
                average_without=b.average,
                std_dev_without=b.std_dev,
                alpha_without=alphas[1],
            )


def _correlations(
    whole: Mapping[str, _Scored], rest: Mapping[str, _Scored]
) -> Iterator[CorrelationWithout]:
    for name in sorted(whole.keys() & rest.keys()):
        a, b = (correlate_traits(one[name].cells.moments) for one in (whole, rest))
        for first, second in combinations(TRAITS, 2):
            yield CorrelationWithout(name, first, second, a[first][second], b[first][second])


def _indices(
    answers: npt.NDArray[np.int8], scale: Instrument, withheld: list[Mapping[str, str]]
) -> Iterator[CarelessIndex]:
    for sign in signs_of(answers, scale, withheld):
        d = describe_sample(sign.values[sign.is_known], edges=None)
        flagged = int(sign.is_flagged.sum())
        yield CarelessIndex(
            sign.name, d.sample_size, d.average, d.std_dev, d.median, sign.cut_off, flagged
        )
