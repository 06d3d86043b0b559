"""One metric over a selection and a range: value, interval, sample size, design effect.

For: the facade, reports. Not for: the course over time, comparison with peers
(``insight.benchmarks``) or formulas (``statistics``).

People cluster in organizations: rates and means carry intervals that know it. Of one organization
alone nobody can say how much organizations differ; its people then count as independent, and the
answer says so.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg

from ioc_analytics.insight.maturity import first_immature_of, left_out, read_settled
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.metrics import METRICS, Metric
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.organizations import OrganizationSums, read_organizations, read_times
from ioc_analytics.states.reading import Ground, read_ground, snapshot
from ioc_analytics.states.selection import Selection, select
from ioc_analytics.statistics.clusters import clustered_mean, clustered_rate, design_effect
from ioc_analytics.statistics.distributions import percentiles
from ioc_analytics.statistics.intervals import (
    ConfidenceInterval,
    mean_interval,
    quantile_interval,
    wilson_interval,
)

RATES: Final = {
    "completion_rate": ("completed", "started"),
    "abandonment_rate": ("abandoned", "started"),
    "data_quality_score": ("whole", "completed"),
    "ai_agreement_rate": ("agreed", "validated"),
    "careless_rate": ("careless", "completed"),
}
"""Which sums a rate is the quotient of."""

TRAIT_CENTRE: Final = 50.0
"""Trait scores are summed as their distance from this."""

_ONE_ORGANIZATION: Final = "one organization only: its people are taken as independent"
_COMPLETE: Final = "a complete count has no sampling error"
_OF_PEOPLE: Final = ("age_band", "gender", "device_type")
_OF_ASSESSMENTS: Final = (
    "industry_category", "org_size_category", "region", "assessment_type", "instrument",
)  # fmt: skip
_FOREVER: Final = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MetricAnalysis:
    """One metric; figures are in ``unit``."""

    metric: str
    value: float
    confidence: ConfidenceInterval | None
    """None: withheld with its reason; counts are complete and have none."""

    sample_size: int
    """Cases that the value is from: responses, of agreement pairs of AI scores."""

    unit: str
    """``responses``, ``assessments``, ``share`` (0 to 1), ``seconds`` or ``points`` (0 to 100)."""

    design_effect: float | None
    """How many times as large as that of independent people the variance is."""

    organizations: int | None
    """Organizations with cases; None where they are not told apart."""

    immature: int
    """Responses left out of a rate of completion, because they can still be completed."""

    meaning: str
    withheld: tuple[Mapping[str, str], ...]
    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """Return the answer ready for JSON."""
        plain = (
            *("metric", "value", "sample_size", "unit", "design_effect", "organizations"),
            *("immature", "meaning", "withheld"),
        )
        return {
            **{name: to_json(getattr(self, name)) for name in plain},
            "confidence": None if self.confidence is None else asdict(self.confidence),
            "filters": [condition.to_dict() for condition in self.filters],
            "time_range": self.time_range.to_dict(),
            "as_of": to_json(self.as_of),
        }


@dataclass(frozen=True, slots=True)
class _Figure:
    """What the data say, before it is dressed."""

    value: float
    confidence: ConfidenceInterval | None
    sample_size: int
    design_effect: float | None = None
    organizations: int | None = None
    withheld: tuple[tuple[str, str], ...] = ()


def metric_named(name: str) -> Metric:
    """Return a metric by its name.

    Raises:
        InvalidInput: There is none of this name; the nearest one is named.
    """
    if name not in METRICS:
        raise InvalidInput(
            f"unknown metric {name!r}{did_you_mean(name, METRICS)}; "
            f"metrics are {', '.join(METRICS)}"
        )
    return METRICS[name]


def measure_metric(
    connection: psycopg.Connection[Any],
    name: str,
    filters: Sequence[Filter],
    time_range: TimeRange,
    organization: Callable[[str], UUID],
    *,
    maturity_days: int,
) -> MetricAnalysis:
    """Measure one metric, exact and fresh, in one snapshot.

    Args:
        connection: A connection of the analyst's role.
        name: Name of the metric.
        filters: Conditions that all must hold.
        time_range: Start times of the responses, of ``assessment_volume`` set-up times; half-open.
        organization: Gives the pseudonym of an organization's own id.
        maturity_days: Days that a response has to be completed before rates of completion count it.

    Raises:
        InvalidInput: Unknown metric or filter, or only rows could answer and they are gone.
        NotEnoughData: Nothing that the metric could be of.
    """
    metric = metric_named(name)
    immature = 0
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        selection = select(filters, ground.catalogue.categories, organization)
        if name == "assessment_volume":
            found = _count_assessments(connection, selection, ground, time_range)
        elif metric.kind == "median":
            found = _median(connection, selection, ground)
        else:
            sums = read_organizations(connection, selection, ground)
            if metric.waits_for_completion:
                young_from = first_immature_of(ground, maturity_days)
                settled = read_settled(connection, selection, time_range, sums, young_from)
                immature = int((sums.started - settled.started).sum())
                sums = settled
            young = left_out(immature, maturity_days) if immature else None
            found = _of_organizations(metric, sums, young)
    return MetricAnalysis(
        metric=name,
        value=found.value,
        confidence=found.confidence,
        sample_size=found.sample_size,
        unit=metric.unit,
        design_effect=found.design_effect,
        organizations=found.organizations,
        immature=immature,
        meaning=metric.meaning,
        withheld=tuple({"figure": figure, "reason": why} for figure, why in found.withheld),
        filters=tuple(filters),
        time_range=time_range,
        as_of=ground.as_of,
    )


def _count_assessments(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    time_range: TimeRange,
) -> _Figure:
    asked = [name for name in _OF_PEOPLE if name in selection.allowed]
    if selection.is_careless is not None:
        asked.append("is_careless")
    if asked:
        raise InvalidInput(
            f"assessments have no {asked[0]}: ask response_volume, or filter by "
            f"{', '.join(_OF_ASSESSMENTS)} or org_hash"
        )
    allowed = {name: selection.allowed.get(name) for name in _OF_ASSESSMENTS}
    row = connection.execute(
        sqlfiles.query("insight/count_assessments"),
        {
            **{name: None if words is None else sorted(words) for name, words in allowed.items()},
            **selection.row_filter(ground.catalogue.categories).organization_parameters(),
            "start": time_range.start or _FOREVER[0],
            "end": time_range.end or _FOREVER[1],
        },
    ).fetchone()
    return _count(int(row[0]) if row else 0)


def _count(number: int) -> _Figure:
    return _Figure(
        float(number),
        None,
        number,
        withheld=(("confidence", _COMPLETE), ("design_effect", _COMPLETE)),
    )


def _median(connection: psycopg.Connection[Any], selection: Selection, ground: Ground) -> _Figure:
    values, counts = read_times(connection, selection, ground)
    number = int(counts.sum())
    if not number:
        raise NotEnoughData("median_time_spent: no completed response with a time spent, found 0")
    withheld = [("design_effect", "times are not told apart by organization")]
    confidence = None
    try:
        confidence = quantile_interval(values, counts, 0.5)
    except NotEnoughData as error:
        withheld.append(("confidence", str(error)))
    (median,) = percentiles(values, counts, (50,))
    return _Figure(median, confidence, number, withheld=tuple(withheld))


def _of_organizations(metric: Metric, sums: OrganizationSums, young: str | None) -> _Figure:
    gather = _gatherer(sums.organizations)
    if metric.kind == "count":
        found = _count(int(sums.started.sum()))
    elif metric.kind == "rate":
        hits, cases = (gather(getattr(sums, name)) for name in RATES[metric.name])
        if not cases.any():
            reason = "nothing to take a share of, found 0 cases"
            raise NotEnoughData(f"{metric.name}: {reason}{f'; {young}' if young else ''}")
        found = _rate(metric, hits, cases)
    elif metric.name in TRAITS:
        at = TRAITS.index(metric.name)
        found = _mean(
            metric,
            gather(sums.trait_n[:, at]),
            gather(sums.trait_sum[:, at]),
            gather(sums.trait_square_sum[:, at]),
            TRAIT_CENTRE,
        )
    else:
        found = _mean(
            metric,
            gather(sums.timed),
            gather(sums.time_sum),
            gather(sums.time_square_sum),
            0.0,
        )
    return _noting(found, metric, sums, young)


def _gatherer(
    organizations: Sequence[UUID],
) -> Callable[[npt.NDArray[Any]], FloatArray]:
    """Return what adds up a column by organization: each may have several places."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(organizations))}
    places = np.array([numbers[name] for name in organizations], dtype=np.int64)

    def gather(column: npt.NDArray[Any]) -> FloatArray:
        found = np.zeros(len(numbers))
        np.add.at(found, places, column)
        return found

    return gather


def _rate(metric: Metric, hits: FloatArray, cases: FloatArray) -> _Figure:
    scale = 100.0 if metric.unit == "points" else 1.0
    number = int(cases.sum())
    organizations = int((cases > 0).sum())
    if organizations == 1:
        successes = int(hits.sum())
        interval = _scaled(wilson_interval(successes, number), scale)
        value = scale * successes / number
        return _Figure(value, interval, number, None, 1, (("design_effect", _ONE_ORGANIZATION),))
    rate = clustered_rate(cases, hits)
    interval = _scaled(rate.confidence_interval, scale)
    return _Figure(scale * rate.rate, interval, number, rate.design_effect, organizations)


def _scaled(interval: ConfidenceInterval, scale: float) -> ConfidenceInterval:
    return ConfidenceInterval(
        interval.level, scale * interval.low, scale * interval.high, interval.method
    )


def _mean(
    metric: Metric, cases: FloatArray, totals: FloatArray, squares: FloatArray, centre: float
) -> _Figure:
    number = int(cases.sum())
    organizations = int((cases > 0).sum())
    if number < 2:
        raise NotEnoughData(f"{metric.name}: a mean needs at least 2 responses, found {number}")
    total = float(totals.sum())
    spread = math.sqrt(max(float(squares.sum()) - total**2 / number, 0.0) / (number - 1))
    if organizations == 1:
        value = centre + total / number
        interval = mean_interval(value, spread / math.sqrt(number), number)
        return _Figure(value, interval, number, None, 1, (("design_effect", _ONE_ORGANIZATION),))
    mean = clustered_mean(cases, centre * cases + totals)
    effect = design_effect(mean.standard_error, spread, number)
    withheld = () if effect is not None else (("design_effect", "all values are equal"),)
    return _Figure(mean.mean, mean.confidence_interval, number, effect, organizations, withheld)


def _noting(found: _Figure, metric: Metric, sums: OrganizationSums, young: str | None) -> _Figure:
    """Add what the sums could not tell."""
    notes = [young] if young else []
    if sums.undecided:
        notes.append(
            f"{sums.undecided} responses of sealed small organizations may or may not be meant "
            "and are left out"
        )
    if sums.unjudged and metric.name in ("data_quality_score", "ai_agreement_rate"):
        notes.append(
            f"{sums.unjudged} responses were sealed before this was counted and are left out"
        )
    return _Figure(
        found.value,
        found.confidence,
        found.sample_size,
        found.design_effect,
        found.organizations,
        (*found.withheld, *(("sample_size", note) for note in notes)),
    )
