"""From where on a figure is no longer well.

For: ``monitoring.health`` and ``monitoring.measure``. Not for: what is done about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.health import Condition


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds of one figure, in its unit."""

    degraded: float
    unhealthy: float | None = None
    is_floor: bool = False
    """Whether lower is worse."""

    def judge(self, value: float | None) -> Condition:
        """Return the condition that a value means; unknown for None."""
        if value is None:
            return "unknown"
        if self.unhealthy is not None and self._is_beyond(value, self.unhealthy):
            return "unhealthy"
        return "degraded" if self._is_beyond(value, self.degraded) else "healthy"

    def _is_beyond(self, value: float, bound: float) -> bool:
        return value < bound if self.is_floor else value > bound


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds by component and metric; a figure without one has no bad values of its own."""

    bounds: Mapping[tuple[str, str], Limit]

    def degraded(self, component: str, metric: str) -> float:
        """Return from where on a figure with a bound is no longer well."""
        return self.bounds[component, metric].degraded

    def judge(self, component: str, metric: str, value: float | None) -> Condition:
        """Return the condition that a measured value means."""
        limit = self.bounds.get((component, metric))
        if limit is None:
            return "unknown" if value is None else "healthy"
        return limit.judge(value)


def limits_of(config: AnalyticsConfig) -> Limits:
    """Return the limits of an installation: where its alerts begin, a figure is degraded."""
    alerted = config.alerts.limits
    return Limits(
        {
            ("host", "disk_usage"): Limit(alerted.disk_percent, 95),
            ("host", "memory_usage"): Limit(alerted.memory_percent),
            ("host", "cpu_usage"): Limit(alerted.cpu_percent),
            ("database", "connections_percent"): Limit(alerted.connections_percent, 95),
            # Vacuum keeps a healthy server near 10 (autovacuum_freeze_max_age is 9.3 % of them).
            ("database", "xid_percent"): Limit(alerted.xid_percent, 75),
            ("database", "transaction_seconds"): Limit(alerted.transaction_seconds),
            ("platform", "runway_months"): Limit(alerted.runway_months, is_floor=True),
            ("platform", "batch_age_hours"): Limit(alerted.batch_age_hours),
            ("platform", "refresh_lag_minutes"): Limit(alerted.refresh_lag_minutes),
            ("platform", "backup_age_hours"): Limit(alerted.backup_age_hours),
            ("platform", "quality_score"): Limit(alerted.quality_score, 50, is_floor=True),
            ("query", "error_rate"): Limit(alerted.query_error_percent / 100),
            ("query", "average_time"): Limit(alerted.query_milliseconds),
        }
    )
