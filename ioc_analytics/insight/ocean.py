"""The OCEAN analysis: distributions, correlations and reliability of the five traits.

For: the facade, released tables, reports. Not for: reading (``states``), formulas (``statistics``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import pandas as pd
import psycopg

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.items import ItemState, keyed_moments
from ioc_analytics.states.reading import (
    Source,
    TraitAnswer,
    read_ground,
    read_items,
    read_traits,
    snapshot,
)
from ioc_analytics.states.selection import select
from ioc_analytics.statistics.correlation import Correlation, correlate_traits
from ioc_analytics.statistics.distributions import (
    STANDARD_PERCENTILES,
    Histogram,
    describe_counts,
)
from ioc_analytics.statistics.intervals import ConfidenceInterval
from ioc_analytics.statistics.reliability import Reliability, measure_moments

MINIMUM_RESPONSES: Final = 2
"""Below this there is no spread and so no analysis."""


@dataclass(frozen=True, slots=True)
class OceanTrait:
    """What is known of one trait; scores are points of 0 to 100."""

    name: str
    sample_size: int
    average: float | None
    std_dev: float | None
    standard_error: float | None
    confidence_interval: ConfidenceInterval | None
    minimum: float | None
    maximum: float | None
    percentiles: Mapping[int, float | None]
    """Keys 5, 10, 25, 50, 75, 90, 95, as PERCENTILE_CONT."""

    skewness: float | None
    """psych's type 3."""

    kurtosis: float | None
    """psych's type 3."""

    histogram: Histogram | None
    reliability: Reliability | None
    """Of the instrument with the most responses; ``OceanAnalysis.reliability`` has all."""


@dataclass(frozen=True, slots=True)
class OceanAnalysis:
    """The five traits of a selection of responses."""

    sample_size: int
    """Responses with at least one score."""

    traits: tuple[OceanTrait, ...]
    """In the order openness, conscientiousness, extraversion, agreeableness, neuroticism."""

    correlations: Mapping[str, Mapping[str, Correlation]]
    """``correlations[a][b]``: Pearson's r over the responses that have both scores."""

    reliability: Mapping[str, Mapping[str, Reliability]]
    """By instrument and trait, where answers to the items exist."""

    by_instrument: Mapping[str, int]
    """Scored responses per instrument."""

    withheld: tuple[Mapping[str, str], ...]
    """Figures that are None, each with ``figure`` and ``reason``."""

    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None
    """When the newest batch in this answer was loaded."""

    source: Source

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis ready for JSON."""
        return {
            "sample_size": self.sample_size,
            "traits": [asdict(trait) for trait in self.traits],
            "correlations": {
                a: {b: asdict(correlation) for b, correlation in row.items()}
                for a, row in self.correlations.items()
            },
            "reliability": {
                name: {trait: asdict(value) for trait, value in traits.items()}
                for name, traits in self.reliability.items()
            },
            "by_instrument": dict(self.by_instrument),
            "withheld": [dict(entry) for entry in self.withheld],
            "filters": [condition.to_dict() for condition in self.filters],
            "time_range": self.time_range.to_dict(),
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "source": self.source.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per trait."""
        return pd.DataFrame(
            [
                {
                    "trait": trait.name,
                    "n": trait.sample_size,
                    "mean": trait.average,
                    "sd": trait.std_dev,
                    "se": trait.standard_error,
                    "low": trait.confidence_interval and trait.confidence_interval.low,
                    "high": trait.confidence_interval and trait.confidence_interval.high,
                    **{f"p{key:02}": value for key, value in trait.percentiles.items()},
                    "skewness": trait.skewness,
                    "kurtosis": trait.kurtosis,
                    "alpha": trait.reliability and trait.reliability.alpha,
                    "alpha_low": trait.reliability and trait.reliability.alpha_interval.low,
                    "alpha_high": trait.reliability and trait.reliability.alpha_interval.high,
                    "omega": trait.reliability and trait.reliability.omega_total,
                }
                for trait in self.traits
            ]
        )


def analyze_ocean(
    connection: psycopg.Connection[Any],
    filters: Sequence[Filter],
    time_range: TimeRange,
    organization: Callable[[str], UUID],
    *,
    reliability_from_rows: bool = False,
) -> OceanAnalysis:
    """Analyse the five traits of the responses that pass the filters within a range of time.

    Args:
        connection: A connection of the analyst's role.
        filters: Conditions, all of which must hold.
        time_range: Start times of the responses, half-open.
        organization: Gives the pseudonym of an organization's own id.
        reliability_from_rows: Item states are kept per instrument only. With filters on other
            dimensions, reliability is withheld, or read from the answers of the rows, which takes
            seconds per million responses.

    Raises:
        NotEnoughData: Fewer than two scored responses.
        InvalidInput: A filter names an unknown category, or only rows that are gone could answer.
    """
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        selection = select(filters, ground.catalogue.categories, organization)
        answer = read_traits(connection, selection, ground)
        total = int(answer.cells.responses.sum())
        if total < MINIMUM_RESPONSES:
            raise NotEnoughData(
                f"{total} scored responses pass these filters in this range, at least "
                f"{MINIMUM_RESPONSES} are needed; ask for a longer range or fewer filters"
            )
        known = ground.catalogue.instruments
        has_item_states = not selection.dimensions and not selection.needs_rows
        items = {
            name: read_items(connection, selection, ground, known[name])
            for name in answer.by_instrument
            if name in known and (has_item_states or reliability_from_rows)
        }
    withheld: list[Mapping[str, str]] = []
    if not has_item_states and not reliability_from_rows:
        reason = "item states are kept per instrument only; ask for reliability from rows"
        withheld.append({"figure": "reliability", "reason": reason})
    if answer.undecided:
        withheld.append(
            {
                "figure": "sample_size",
                "reason": f"{answer.undecided} responses of sealed small cells gave up a filtered "
                "dimension and are left out",
            }
        )
    reliability = {
        name: reliability_of(known[name], state, withheld)
        for name, state in items.items()
        if state is not None
    }
    main = max(answer.by_instrument, key=lambda name: answer.by_instrument[name])
    traits = tuple(
        _trait(answer, at, reliability.get(main, {}).get(name), withheld)
        for at, name in enumerate(TRAITS)
    )
    return OceanAnalysis(
        sample_size=total,
        traits=traits,
        correlations=correlate_traits(answer.cells.moments),
        reliability=reliability,
        by_instrument=answer.by_instrument,
        withheld=tuple(withheld),
        filters=tuple(filters),
        time_range=time_range,
        as_of=ground.as_of,
        source=answer.source,
    )


def _trait(
    answer: TraitAnswer,
    trait: int,
    reliability: Reliability | None,
    withheld: list[Mapping[str, str]],
) -> OceanTrait:
    values, counts = answer.cells.of_trait(trait)
    name = TRAITS[trait]
    if not len(values):
        withheld.append({"figure": f"traits.{name}", "reason": "no response has this score"})
        return OceanTrait(
            name=name,
            sample_size=0,
            average=None,
            std_dev=None,
            standard_error=None,
            confidence_interval=None,
            minimum=None,
            maximum=None,
            percentiles=dict.fromkeys(STANDARD_PERCENTILES),
            skewness=None,
            kurtosis=None,
            histogram=None,
            reliability=None,
        )
    d = describe_counts(values, counts)
    for figure in ("std_dev", "confidence_interval", "skewness", "kurtosis"):
        if getattr(d, figure) is None:
            reason = "all scores are equal" if d.sample_size > 1 else "only one score"
            withheld.append({"figure": f"traits.{name}.{figure}", "reason": reason})
    return OceanTrait(
        name=name,
        sample_size=d.sample_size,
        average=d.average,
        std_dev=d.std_dev,
        standard_error=d.standard_error,
        confidence_interval=d.confidence_interval,
        minimum=d.minimum,
        maximum=d.maximum,
        percentiles=d.percentiles,
        skewness=d.skewness,
        kurtosis=d.kurtosis,
        histogram=d.histogram,
        reliability=reliability,
    )


def reliability_of(
    instrument: Instrument, state: ItemState, withheld: list[Mapping[str, str]]
) -> dict[str, Reliability]:
    """Return the reliability of each trait that has it; what is missing goes to ``withheld``."""
    found: dict[str, Reliability] = {}
    for trait, moments in zip(TRAITS, state.traits, strict=True):
        if moments is None:
            continue
        try:
            found[trait] = measure_moments(keyed_moments(moments, instrument, trait))
        except NotEnoughData as error:
            withheld.append(
                {"figure": f"reliability.{instrument.name}.{trait}", "reason": str(error)}
            )
    return found
