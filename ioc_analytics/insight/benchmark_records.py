"""What a benchmark says: an organization, or a peer group, metric by metric.

For: ``insight.benchmarks``, which fills it, and whoever shows it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, SupportsFloat
from uuid import UUID

import pandas as pd

from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.statistics.intervals import ConfidenceInterval


@dataclass(frozen=True, slots=True)
class FunnelPosition:
    """Limits within which an ordinary organization of this size lies; metric's unit."""

    target: float
    limits: ConfidenceInterval
    """95 % limits."""

    outer_limits: ConfidenceInterval
    """99.8 % limits."""

    dispersion: float
    """Mean square z of the peers; 1: chance alone."""

    p_value: float | None
    """Of an ordinary organization as far from the target; None without an organization."""

    adjusted_p_value: float | None = None
    """Benjamini-Hochberg over the metrics of this answer."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One metric against the peers, in its unit."""

    metric: str
    unit: str
    value: float
    """The organization's plain figure; without an organization, the centre of the group."""

    best_estimate: float | None
    """Empirical-Bayes estimate of the organization."""

    sample_size: int
    """Cases the value is from."""

    immature: int
    """Responses left out of a rate of completion, because they can still be completed."""

    peer_median: float
    percentile_rank: float | None
    """Expected share of peers with a lower true value, 0 to 100."""

    interval: ConfidenceInterval | None
    """Of the percentile rank."""

    rank_std_dev: float | None
    peer_level: str
    """``industry_size``, ``industry`` or ``all``."""

    peer_organizations: int
    peer_responses: int
    largest_share: float
    """Of the peers' cases, that of the largest peer."""

    effect: ConfidenceInterval | None
    """Interval of the organization's distance from the peers' centre."""

    funnel: FunnelPosition


@dataclass(frozen=True, slots=True)
class WithheldBenchmark:
    """A metric that cannot be compared: the attributes of ``Benchmark`` without figures."""

    metric: str
    unit: str
    reason: str
    value: None = None
    best_estimate: None = None
    sample_size: None = None
    immature: None = None
    peer_median: None = None
    percentile_rank: None = None
    interval: None = None
    rank_std_dev: None = None
    peer_level: None = None
    peer_organizations: None = None
    peer_responses: None = None
    largest_share: None = None
    effect: None = None
    funnel: None = None


@dataclass(frozen=True, slots=True)
class PerformanceIndex:
    """Mean percentile rank of completion, data quality, AI agreement and 1 - careless rate.

    It reads as its value where a number is wanted: ``float(index)``, ``index < 50``.
    """

    value: float
    """0 to 100."""

    interval: ConfidenceInterval
    metrics: tuple[str, ...]
    """Those of the four that could be ranked."""

    def __float__(self) -> float:
        return self.value

    def __lt__(self, other: SupportsFloat) -> bool:
        return self.value < float(other)

    def __le__(self, other: SupportsFloat) -> bool:
        return self.value <= float(other)

    def __gt__(self, other: SupportsFloat) -> bool:
        return self.value > float(other)

    def __ge__(self, other: SupportsFloat) -> bool:
        return self.value >= float(other)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Something to act on."""

    priority: str
    """``high``: the whole interval lies beyond twice the indifference zone; else ``medium``."""

    description: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CompetitiveInsight:
    """Where the organization stands out from its peers beyond chance."""

    metric: str
    direction: str
    """``better``, ``worse``, or ``higher``, ``lower`` where neither is good."""

    description: str
    evidence: Mapping[str, Any]
    moved: float | None
    """Change of the distance from the peers' centre since the period before; None: not known."""


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """An organization against its peers, or a peer group."""

    org_hash: UUID | None
    industry: str
    size: str
    performance_index: PerformanceIndex | None
    benchmarks: Mapping[str, Benchmark | WithheldBenchmark]
    """Every metric that organizations are compared by."""

    recommendations: tuple[Recommendation, ...]
    competitive_insights: tuple[CompetitiveInsight, ...]
    withheld: tuple[Mapping[str, str], ...]
    time_range: TimeRange
    as_of: Any

    @property
    def shown(self) -> Mapping[str, Benchmark]:
        """Those of the benchmarks that have figures."""
        return {name: b for name, b in self.benchmarks.items() if isinstance(b, Benchmark)}

    def to_dict(self) -> dict[str, Any]:
        """Return the answer ready for JSON."""
        content = {name: to_json(value) for name, value in asdict(self).items()}
        return content | {"time_range": self.time_range.to_dict()}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per metric; the limits are those of the rank, in percent."""
        return pd.DataFrame(
            [
                {
                    "metric": b.metric,
                    "value": b.value,
                    "n": b.sample_size,
                    "peer_median": b.peer_median,
                    "percentile_rank": b.percentile_rank,
                    "low": b.interval and b.interval.low,
                    "high": b.interval and b.interval.high,
                    "peer_level": b.peer_level,
                    "peer_organizations": b.peer_organizations,
                    "p": b.funnel and b.funnel.adjusted_p_value,
                }
                for b in self.benchmarks.values()
            ]
        )
