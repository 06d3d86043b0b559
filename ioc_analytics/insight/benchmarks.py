"""Benchmarks: an organization against its peers, or a peer group as a picture.

For: the facade, reports. Not for: the peers (``insight.peers``) or formulas (``statistics``).

The asking organization is never among its own peers. A peer group that is too small, or that one
organization dominates, widens from industry and size to industry, then to all.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg

from ioc_analytics.insight.benchmark_records import (
    Benchmark,
    Benchmarks,
    FunnelPosition,
    PerformanceIndex,
    WithheldBenchmark,
)
from ioc_analytics.insight.maturity import first_immature_of, left_out, read_settled
from ioc_analytics.insight.peers import (
    BENCHMARKED,
    LEVELS,
    MINIMUM_RESPONSES,
    Figures,
    Organizations,
    gather,
    too_small,
)
from ioc_analytics.insight.standing_out import find_insights, recommend
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.metrics import METRICS
from ioc_analytics.records.vocabularies import INDUSTRIES, SIZE_BANDS, UNKNOWN
from ioc_analytics.states.organizations import read_organizations
from ioc_analytics.states.reading import read_ground, snapshot
from ioc_analytics.states.selection import Selection
from ioc_analytics.statistics.correlation import adjust_false_discovery
from ioc_analytics.statistics.funnels import draw_funnel
from ioc_analytics.statistics.intervals import ConfidenceInterval
from ioc_analytics.statistics.ranks import average_rank, percentile_rank
from ioc_analytics.statistics.shrinkage import estimate_prior

INDEX_METRICS: Final = (
    "completion_rate",
    "data_quality_score",
    "ai_agreement_rate",
    "careless_rate",
)
"""What the performance index is the mean of; careless answers count from the other end."""


def benchmark(
    connection: psycopg.Connection[Any],
    organization: UUID | None,
    industry: str | None,
    size: str | None,
    time_range: TimeRange,
    *,
    maturity_days: int,
) -> Benchmarks:
    """Compare an organization with its peers, or describe a peer group.

    Args:
        connection: A connection of the analyst's role.
        organization: Pseudonym of the organization; None: the group itself.
        industry: Sector of the peers; None: the organization's own.
        size: Size band of the peers; None: the organization's own.
        time_range: Start times of the responses, half-open.
        maturity_days: Days that a response has to be completed before rates of completion count it.

    Raises:
        InvalidInput: Unknown industry or size.
        NotEnoughData: The organization has no responses in the range.
    """
    _check("industry", industry, INDUSTRIES)
    _check("size", size, SIZE_BANDS)
    if organization is None and size is not None and industry is None:
        raise InvalidInput("a peer group of one size needs its industry too; name both or neither")
    with snapshot(connection):
        everyone, as_of = _read(connection, time_range, maturity_days)

        @cache
        def earlier() -> Organizations | None:
            past = _period_before(time_range)
            return None if past is None else _read(connection, past, maturity_days)[0]

        group = (industry, size)
        return _judge(everyone, earlier, organization, group, time_range, as_of, maturity_days)


def _judge(
    everyone: Organizations,
    earlier: Callable[[], Organizations | None],
    organization: UUID | None,
    group: tuple[str | None, str | None],
    time_range: TimeRange,
    as_of: datetime | None,
    maturity_days: int,
) -> Benchmarks:
    """Compare all metrics; the earlier period is only read where one of them stands out."""
    industry, size = group
    own = None
    if organization is not None:
        if organization not in everyone.names:
            raise NotEnoughData("this organization has no responses in this range, found 0")
        own = everyone.names.index(organization)
        industry, size = industry or everyone.industries[own], size or everyone.sizes[own]
    levels: tuple[str, ...] = ("all",)
    if industry:
        levels = LEVELS if size else LEVELS[1:]
    peers = (industry or UNKNOWN, size or UNKNOWN)
    withheld: list[Mapping[str, str]] = []
    found: dict[str, Benchmark] = {}
    unknown: dict[str, WithheldBenchmark] = {}
    for metric in BENCHMARKED:
        one = _compare(everyone, metric, own, levels, peers, maturity_days)
        if isinstance(one, Benchmark):
            found[metric] = one
            if one.immature:
                reason = left_out(one.immature, maturity_days)
                withheld.append({"figure": f"{metric}.sample_size", "reason": reason})
        else:
            unknown[metric] = WithheldBenchmark(metric, METRICS[metric].unit, one)
            withheld.append({"figure": f"benchmarks.{metric}", "reason": one})
    found = _adjusted(found)
    index = _index(found) if own is not None else None
    if index is None:
        reason = "no metric of it could be ranked" if own is not None else "no organization asked"
        withheld.append({"figure": "performance_index", "reason": reason})

    def before(metric: str) -> Benchmark | None:
        then = earlier()
        if then is None or organization not in then.names:
            return None
        at = then.names.index(organization)
        one = _compare(then, metric, at, levels, peers, maturity_days)
        return one if isinstance(one, Benchmark) else None

    return Benchmarks(
        organization,
        industry or "all",
        size or "all",
        index,
        {metric: (found | unknown)[metric] for metric in BENCHMARKED},
        recommend(found),
        find_insights(found, before),
        tuple(withheld),
        time_range,
        as_of,
    )


def _read(
    connection: psycopg.Connection[Any], wanted: TimeRange, maturity_days: int
) -> tuple[Organizations, datetime | None]:
    ground = read_ground(connection, wanted)
    everybody = Selection({})
    sums = read_organizations(connection, everybody, ground)
    young_from = first_immature_of(ground, maturity_days)
    settled = read_settled(connection, everybody, wanted, sums, young_from)
    return gather(sums, settled), ground.as_of


def _compare(
    everyone: Organizations,
    metric: str,
    own: int | None,
    levels: tuple[str, ...],
    group: tuple[str, str],
    maturity_days: int,
) -> Benchmark | str:
    figures = everyone.figures[metric]
    if own is not None and np.isnan(figures.values[own]):
        young = int(figures.immature[own])
        more = f"; {left_out(young, maturity_days)}" if young else ""
        return f"{figures.cases[own]} cases, at least {MINIMUM_RESPONSES} are needed{more}"
    reason = "no peers"
    for level in levels:
        peers = everyone.members(level, *group) & ~np.isnan(figures.values)
        if own is not None:
            peers[own] = False
        problem = too_small(figures.cases[peers])
        if problem is None:
            return _against(metric, figures, peers, own, level)
        reason = problem
    return reason


def _against(
    metric: str,
    figures: Figures,
    peers: npt.NDArray[np.bool_],
    own: int | None,
    level: str,
) -> Benchmark:
    y, v, unit = figures.values[peers], figures.variances[peers], figures.to_unit
    funnel = draw_funnel(y, v)
    prior = estimate_prior(y, v)
    cases = figures.cases[peers]
    value, variance = (
        (funnel.target, float(np.median(v)))
        if own is None
        else (float(figures.values[own]), float(figures.variances[own]))
    )
    rank = best = effect = None
    if own is not None:
        all_best = prior.posterior(np.append(y, value), np.append(v, variance))
        best = unit(float(all_best.values[-1]))
        rank = percentile_rank(
            float(all_best.values[-1]),
            float(all_best.errors[-1]),
            all_best.values[:-1],
            all_best.errors[:-1],
        )
        apart, centre = funnel.distance(value, variance), unit(funnel.target)
        effect = replace(
            apart,
            low=unit(funnel.target + apart.low) - centre,
            high=unit(funnel.target + apart.high) - centre,
        )

    def limits(at: float) -> ConfidenceInterval:
        found = funnel.limits(variance, at)
        return ConfidenceInterval(at, unit(found.low), unit(found.high), found.method)

    return Benchmark(
        metric=metric,
        unit=METRICS[metric].unit,
        value=unit(value) if own is None else float(figures.shown[own]),
        best_estimate=best,
        sample_size=int(cases.sum() if own is None else figures.cases[own]),
        immature=int(figures.immature[peers].sum() if own is None else figures.immature[own]),
        peer_median=float(np.median(figures.shown[peers])),
        percentile_rank=rank.rank if rank else None,
        interval=rank.interval if rank else None,
        rank_std_dev=rank.std_dev if rank else None,
        peer_level=level,
        peer_organizations=len(cases),
        peer_responses=int(cases.sum()),
        largest_share=float(cases.max() / cases.sum()),
        effect=effect,
        funnel=FunnelPosition(
            unit(funnel.target),
            limits(0.95),
            limits(0.998),
            funnel.dispersion,
            None if own is None else funnel.p_value(value, variance),
        ),
    )


def _adjusted(found: dict[str, Benchmark]) -> dict[str, Benchmark]:
    judged = [(m, b.funnel.p_value) for m, b in found.items() if b.funnel.p_value is not None]
    adjusted = adjust_false_discovery([p for _, p in judged])
    changed = dict(found)
    for (metric, _), p in zip(judged, adjusted.tolist(), strict=True):
        b = found[metric]
        changed[metric] = replace(b, funnel=replace(b.funnel, adjusted_p_value=p))
    return changed


def _index(found: Mapping[str, Benchmark]) -> PerformanceIndex | None:
    ranks: list[float] = []
    spreads: list[float] = []
    used = tuple(metric for metric in INDEX_METRICS if metric in found)
    for metric in used:
        b = found[metric]
        if b.percentile_rank is None or b.rank_std_dev is None:
            continue
        is_turned = METRICS[metric].is_higher_better is False
        ranks.append(100 - b.percentile_rank if is_turned else b.percentile_rank)
        spreads.append(b.rank_std_dev)
    if not ranks:
        return None
    # The errors of the four are of different events.
    return PerformanceIndex(*average_rank(ranks, spreads), used)


def _period_before(wanted: TimeRange) -> TimeRange | None:
    if wanted.start is None or wanted.end is None:
        return None
    return TimeRange(wanted.start - (wanted.end - wanted.start), wanted.start)


def _check(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise InvalidInput(
            f"unknown {name} {value!r}{did_you_mean(value, known)}; known are {', '.join(known)}"
        )
