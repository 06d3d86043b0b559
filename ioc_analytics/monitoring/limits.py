"""From where on a figure is no longer well.

For: ``monitoring.health`` and ``monitoring.measure``. Not for: what is done about it.
"""

from dataclasses import dataclass
from typing import Final

from ioc_analytics.kernel.settings_alerts import AlertLimits
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


_ALERTED: Final = AlertLimits()
"""Where alerts begin unless somebody sets them apart, a figure is degraded."""

LIMITS: Final = {
    ("host", "disk_usage"): Limit(_ALERTED.disk_percent, 95),
    ("host", "memory_usage"): Limit(_ALERTED.memory_percent),
    ("host", "cpu_usage"): Limit(_ALERTED.cpu_percent),
    ("database", "connections_percent"): Limit(_ALERTED.connections_percent, 95),
    # Vacuum keeps a healthy server near 10 (autovacuum_freeze_max_age is 9.3 % of the numbers).
    ("database", "xid_percent"): Limit(_ALERTED.xid_percent, 75),
    ("database", "transaction_seconds"): Limit(_ALERTED.transaction_seconds),
    ("platform", "runway_months"): Limit(_ALERTED.runway_months, is_floor=True),
    ("platform", "batch_age_hours"): Limit(_ALERTED.batch_age_hours),
    ("platform", "refresh_lag_minutes"): Limit(_ALERTED.refresh_lag_minutes),
    ("platform", "backup_age_hours"): Limit(_ALERTED.backup_age_hours),
    ("platform", "quality_score"): Limit(_ALERTED.quality_score, 50, is_floor=True),
    ("query", "error_rate"): Limit(_ALERTED.query_error_percent / 100),
    ("query", "average_time"): Limit(_ALERTED.query_milliseconds),
}
"""By component and metric; a figure that is not here has no bad values of its own."""


def judge(component: str, metric: str, value: float | None) -> Condition:
    """Return the condition that a measured value means."""
    limit = LIMITS.get((component, metric))
    if limit is None:
        return "unknown" if value is None else "healthy"
    return limit.judge(value)
