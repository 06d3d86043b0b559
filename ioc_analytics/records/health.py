"""What the platform says about its health: frozen results.

For: facade, command line, web. Not for: how the figures are had (``monitoring``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ioc_analytics.records.answers import to_json

if TYPE_CHECKING:
    import pandas as pd

Condition = Literal["healthy", "degraded", "unhealthy", "unknown"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured figure."""

    component: str
    """``database``, ``host``, ``pool``, ``query``, ``platform`` or ``orchestration``."""

    metric: str
    value: float | None
    """None: it could not be had."""

    unit: str


@dataclass(frozen=True, slots=True)
class HealthMeasurements:
    """The figures of one moment."""

    measured_at: datetime
    measurements: tuple[Measurement, ...]
    latency_counts: tuple[int, ...] = ()
    """Questions of the last minutes by class of time, the last one open; empty without any."""

    def value(self, component: str, metric: str) -> float | None:
        """Return one figure; None where it could not be had."""
        found = (
            m.value for m in self.measurements if (m.component, m.metric) == (component, metric)
        )
        return next(found, None)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per figure."""
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in self.measurements])

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the platform; truthy unless it is degraded or unhealthy."""

    status: Condition
    detail: str
    """One sentence for people."""

    def __bool__(self) -> bool:
        return self.status in ("healthy", "unknown")


@dataclass(frozen=True, slots=True)
class Checks:
    """Every part that is looked at."""

    database: Check
    migrations: Check
    partitions: Check
    storage: Check
    backups: Check
    freshness: Check
    data_quality: Check
    pool: Check

    def items(self) -> Mapping[str, Check]:
        """Return the checks by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the platform is well."""

    checks: Checks
    checked_at: datetime
    duration_seconds: float

    @property
    def status(self) -> Condition:
        """The worst of the checks; what is unknown does not count."""
        found = {check.status for check in self.checks.items().values()}
        if "unhealthy" in found:
            return "unhealthy"
        return "degraded" if "degraded" in found else "healthy"

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {"status": self.status, **{k: to_json(v) for k, v in asdict(self).items()}}


@dataclass(frozen=True, slots=True)
class Performance:
    """How this process has answered so far; None before the first question."""

    avg_response_time: float | None
    """Milliseconds."""

    cache_hit_rate: float | None
    """Share of cache lookups that were answered from it, 0 to 1."""

    error_rate: float | None
    """Share of questions that failed, 0 to 1; refused ones are not failures."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The host; None where it cannot be seen."""

    cpu_usage: float | None
    """Percent."""

    memory_usage: float | None
    """Percent."""


@dataclass(frozen=True, slots=True)
class DataQuality:
    """The newest evaluation."""

    overall_score: float | None
    """0 to 100; None before the first."""


@dataclass(frozen=True, slots=True)
class SystemMetrics:
    """Performance, resources and data quality."""

    performance: Performance
    resources: Resources
    data_quality: DataQuality

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return asdict(self)
