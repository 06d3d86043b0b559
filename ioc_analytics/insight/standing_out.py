"""Where an organization stands out from its peers, and what it might act on.

For: ``insight.benchmarks``. Not for: the comparison itself.

Nothing is said that chance explains: insights need a funnel p value that survives the adjustment
over the metrics, recommendations an effect whose interval excludes the zone of indifference.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from ioc_analytics.insight.benchmark_records import Benchmark, CompetitiveInsight, Recommendation
from ioc_analytics.records.metrics import METRICS

INDIFFERENCE: Final = {
    "completion_rate": 0.03,
    "abandonment_rate": 0.03,
    "data_quality_score": 3.0,
    "ai_agreement_rate": 0.03,
    "careless_rate": 0.02,
}
"""Distances from the peers that nobody needs to act on, in the metric's unit."""

FALSE_DISCOVERY: Final = 0.05

_ADVICE: Final = {
    "completion_rate": "Find where people stop: fewer start-to-end completions than at peers",
    "abandonment_rate": "Look at length and reminders: more people give up than at peers",
    "data_quality_score": "Check exports for missing answers and times: fewer whole responses",
    "ai_agreement_rate": "Review the AI raters on this organization's answers: they agree less",
    "careless_rate": "Look at instructions and setting: more careless answers than at peers",
}


def recommend(found: Mapping[str, Benchmark]) -> tuple[Recommendation, ...]:
    """Return what to act on: where the whole interval lies beyond the zone of indifference."""
    made: list[tuple[float, Recommendation]] = []
    for metric, zone in INDIFFERENCE.items():
        b = found.get(metric)
        if b is None or b.effect is None:
            continue
        nearest = -b.effect.high if METRICS[metric].is_higher_better else b.effect.low
        if nearest > zone:
            made.append(
                (
                    nearest / zone,
                    Recommendation(
                        "high" if nearest > 2 * zone else "medium",
                        _ADVICE[metric],
                        _evidence(b) | {"indifference_zone": zone},
                    ),
                )
            )
    return tuple(one for _, one in sorted(made, key=lambda pair: -pair[0]))


def find_insights(
    found: Mapping[str, Benchmark], before: Callable[[str], Benchmark | None]
) -> tuple[CompetitiveInsight, ...]:
    """Return where the organization stands out from its peers beyond chance, and how that moved.

    Args:
        found: Its benchmarks, p values adjusted.
        before: Gives a metric's benchmark in the period before; None: there is none.
    """
    made: list[CompetitiveInsight] = []
    for metric, b in found.items():
        p = b.funnel.adjusted_p_value
        if p is None or p > FALSE_DISCOVERY:
            continue
        is_higher = b.value > b.funnel.target
        better = METRICS[metric].is_higher_better
        if better is None:
            direction = "higher" if is_higher else "lower"
        else:
            direction = "better" if is_higher == better else "worse"
        past = before(metric)
        moved = None
        if past is not None:
            moved = (b.value - b.funnel.target) - (past.value - past.funnel.target)
        made.append(
            CompetitiveInsight(
                metric,
                direction,
                f"{metric} {b.value:.3g} is {direction} than at {b.peer_organizations} peers "
                f"(centre {b.funnel.target:.3g})",
                _evidence(b),
                moved,
            )
        )
    return tuple(made)


def _evidence(b: Benchmark) -> dict[str, Any]:
    return {
        "metric": b.metric,
        "value": b.value,
        "n": b.sample_size,
        "immature": b.immature,
        "peer_centre": b.funnel.target,
        "peer_organizations": b.peer_organizations,
        "peer_level": b.peer_level,
        "effect": b.effect and asdict(b.effect),
        "adjusted_p_value": b.funnel.adjusted_p_value,
    }
