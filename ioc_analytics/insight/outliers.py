"""Who, and which month of a segment, lies far off in the five traits.

For: the facade, reports. Not for: formulas (``statistics.outliers``), or saying that an outlier is
wrong: a far score is a reason to look.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg

from ioc_analytics.insight.own_history import Point, judge_histories
from ioc_analytics.insight.refusals import nothing_passes
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.vocabularies import MERGED, TRAITS, UNKNOWN
from ioc_analytics.states.cells import TraitCells
from ioc_analytics.states.reading import (
    Ground,
    read_ground,
    read_groups,
    read_vectors,
    snapshot,
)
from ioc_analytics.states.selection import Selection, select
from ioc_analytics.statistics.correlation import adjust_false_discovery
from ioc_analytics.statistics.distributions import describe_counts
from ioc_analytics.statistics.outliers import (
    FEWEST_PAST,
    Limits,
    distance_p_values,
    mahalanobis_squared,
    robust_limits,
    tukey_fences,
)

SIGNIFICANCE: Final = 0.05
"""Share of false ones that is accepted among what is named (Benjamini-Hochberg)."""

MOST_NAMED: Final = 100
"""Responses that are named, the farthest first; all are counted."""

FEWEST_SCORES: Final = 10
"""A segment's month with fewer scores of a trait is neither judged nor part of a history."""

SEGMENTS: Final = ("industry_category", "region")


@dataclass(frozen=True, slots=True)
class FarResponse:
    """A response whose five traits together are unlikely."""

    response_hash: UUID
    instrument: str
    distance_squared: float
    adjusted_p_value: float
    """Of Wilks' Beta distribution, Benjamini-Hochberg over the responses of the instrument."""

    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FarMonth:
    """A month in which a segment broke with its own past."""

    dimension: str
    segment: str
    instrument: str
    trait: str
    month: date
    sample_size: int
    average: float
    difference: float
    """From the median of the earlier months."""

    past_months: int
    adjusted_p_value: float
    """Two-sided normal, over-dispersion removed, Benjamini-Hochberg over all judged months of the
    dimension and instrument."""


@dataclass(frozen=True, slots=True)
class InstrumentOutliers:
    """The responses of one instrument: scores of different instruments are no common scale."""

    limits: Mapping[str, tuple[Limits, ...]]
    """Robust z and Tukey's fences by trait, each with its counts."""

    vectors: int | None
    """Responses with all five traits, of which distances were taken; None: withheld."""

    share: float
    """Share of the responses, 0 to 1, that distances were taken of: 1 unless a sample was drawn."""

    far_responses: int | None
    """How many of them are far, named or not."""


@dataclass(frozen=True, slots=True)
class Outliers:
    """Outliers of people and of segments."""

    by_instrument: Mapping[str, InstrumentOutliers]
    responses: tuple[FarResponse, ...]
    """At most 100, the farthest first."""

    segments: tuple[FarMonth, ...]
    judged_months: int
    """Months of segments and traits that had a history to be judged against."""

    methods: Mapping[str, str]
    withheld: tuple[Mapping[str, str], ...]
    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """Return the outliers ready for JSON."""
        found = {name: to_json(value) for name, value in asdict(self).items()}
        return found | {
            "filters": [condition.to_dict() for condition in self.filters],
            "time_range": self.time_range.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per named response."""
        columns = ["response_hash", "instrument", "distance_squared", "adjusted_p_value", *TRAITS]
        rows = [
            (r.response_hash, r.instrument, r.distance_squared, r.adjusted_p_value)
            + tuple(r.scores[trait] for trait in TRAITS)
            for r in self.responses
        ]
        return pd.DataFrame(rows, columns=columns)


def find_outliers(
    connection: psycopg.Connection[Any],
    filters: Sequence[Filter],
    time_range: TimeRange,
    organization: Callable[[str], UUID],
    *,
    history: TimeRange | None = None,
    most: int | None = None,
) -> Outliers:
    """Find responses and months of segments that lie far off.

    Limits and segments come from states. Distances read the rows of the range and hold 56 bytes
    per response; they are withheld where rows are gone.

    Args:
        connection: A connection of the analyst's role.
        filters: Conditions, all of which must hold.
        time_range: Start times of the responses, half-open.
        organization: Gives the pseudonym of an organization's own id.
        history: Start times of the responses whose months are judged; None: the time range.
        most: Take the distances of about as many responses of an instrument where there are more,
            drawn by their pseudonyms: the same rows give the same sample. None: take all.

    Raises:
        InvalidInput: An unknown category, or only rows that are gone could answer.
        NotEnoughData: No scored response.
    """
    withheld: list[Mapping[str, str]] = []
    by_instrument: dict[str, InstrumentOutliers] = {}
    responses: list[FarResponse] = []
    segments: list[FarMonth] = []
    judged = 0
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        past = ground if history is None else read_ground(connection, history)
        categories = ground.catalogue.categories
        everyone = select(filters, categories, organization)
        groups = read_groups(connection, everyone, ground, by="instrument")
        for at, (name, _) in enumerate(groups.keys):
            own = select((*filters, Filter("instrument", "eq", name)), categories, organization)
            cells = groups.cells.choose([at])
            limits = _limits(cells)
            scored = int(cells.responses.sum())
            share = 1.0 if most is None or scored <= most else most / scored
            n, far, named = _far_responses(connection, own, ground, name, share, withheld)
            by_instrument[name] = InstrumentOutliers(limits, n, share, far)
            responses += named
            for dimension in SEGMENTS:
                count, months = _far_months(connection, own, past, dimension, name)
                judged += count
                segments += months
    if not any(found.limits for found in by_instrument.values()):
        raise nothing_passes("scored responses")
    if not judged:
        reason = f"no segment has {FEWEST_PAST} months of {FEWEST_SCORES} scores before another"
        withheld.append({"figure": "segments", "reason": reason})
    responses.sort(key=lambda one: (one.adjusted_p_value, -one.distance_squared))
    return Outliers(
        by_instrument,
        tuple(responses[:MOST_NAMED]),
        tuple(sorted(segments, key=lambda one: (one.month, one.adjusted_p_value))),
        judged,
        {
            "responses": "Mahalanobis distance, Beta p-values, Benjamini-Hochberg at 0.05",
            "limits": "median ± 3.5 robust SD; quartiles ± 1.5 quartile distances",
            "segments": "against the median of at least 6 earlier months, over-dispersion "
            "removed, Benjamini-Hochberg at 0.05",
        },
        tuple(withheld),
        tuple(filters),
        time_range,
        ground.as_of,
    )


def _limits(cells: TraitCells) -> Mapping[str, tuple[Limits, ...]]:
    found = {}
    for at, trait in enumerate(TRAITS):
        values, counts = cells.of_trait(at)
        if len(values):
            found[trait] = (robust_limits(values, counts), tukey_fences(values, counts))
    return found


def _far_responses(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    instrument: str,
    share: float,
    withheld: list[Mapping[str, str]],
) -> tuple[int | None, int | None, list[FarResponse]]:
    """Return the complete vectors, how many are far, and the farthest of them."""
    try:
        identifiers, scores = read_vectors(connection, selection, ground, share)
        n = len(scores)
        if n <= len(TRAITS) + 1:
            raise NotEnoughData(f"{n} responses with all five traits, at least 7 are needed")
        squared = mahalanobis_squared(scores, scores.mean(axis=0), np.cov(scores, rowvar=False))
        p_values = distance_p_values(squared, n, len(TRAITS), largest=SIGNIFICANCE)
        adjusted = adjust_false_discovery(p_values)
    except (InvalidInput, NotEnoughData) as error:
        withheld.append({"figure": f"by_instrument.{instrument}.vectors", "reason": str(error)})
        return None, None, []
    far = np.flatnonzero(adjusted <= SIGNIFICANCE)
    named = far[np.argsort(-squared[far], kind="stable")][:MOST_NAMED]
    return (
        n,
        len(far),
        [
            FarResponse(
                UUID(bytes=identifiers[at].tobytes()),
                instrument,
                float(squared[at]),
                float(adjusted[at]),
                dict(zip(TRAITS, scores[at].tolist(), strict=True)),
            )
            for at in named.tolist()
        ],
    )


def _far_months(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    dimension: str,
    instrument: str,
) -> tuple[int, list[FarMonth]]:
    """Return how many months of a dimension's segments were judged, and those that are far."""
    answer = read_groups(connection, selection, ground, by=dimension, step="month")
    histories: dict[tuple[str, str], list[Point]] = {}
    for at, (segment, month) in enumerate(answer.keys):
        if month is None or segment in (UNKNOWN, MERGED):
            continue
        cell = answer.cells.choose([at])
        for place, trait in enumerate(TRAITS):
            values, counts = cell.of_trait(place)
            if counts.sum() < FEWEST_SCORES or len(values) < 2:
                continue
            d = describe_counts(values, counts, edges=None)
            error = (d.std_dev or 0.0) ** 2 / d.sample_size
            point = Point(month, d.sample_size, d.average, error)
            histories.setdefault((segment, trait), []).append(point)
    judged = judge_histories(dict(sorted(histories.items())))
    return len(judged), [
        FarMonth(
            dimension,
            one.key[0],
            instrument,
            one.key[1],
            one.point.period,
            one.point.sample_size,
            one.point.average,
            one.difference,
            one.past_periods,
            one.adjusted_p_value,
        )
        for one in judged
        if one.adjusted_p_value <= SIGNIFICANCE
    ]
