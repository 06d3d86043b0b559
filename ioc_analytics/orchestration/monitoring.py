"""The watch: a sensor that looks at figures, alerts and data quality; it starts no run.

For: ``build_defs``. Not for: the rules and routes (``monitoring``).
"""

from datetime import timedelta
from typing import Final

import dagster as dg

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import failures

INTERVAL_SECONDS: Final = 300
QUALITY_EVERY: Final = timedelta(days=1)


@dg.sensor(
    name="watch",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def watch(context: dg.SensorEvaluationContext, analytics: AnalyticsResource) -> dg.SkipReason:
    """Measures health and checks alerts every five minutes, data quality once a day.

    It starts no run: what it found stands in its ticks, in `system_health_metrics`, in
    `data_quality_metrics` and in `ioc-analytics alerts list`. `ANALYTICS_ENABLE_MONITORING=false`
    switches it off.
    """
    if not analytics.config.enable_monitoring:
        return dg.SkipReason("switched off (ANALYTICS_ENABLE_MONITORING)")
    with failures():
        system = analytics.system
        # Alerts first: an evaluation that fails must not make the watch blind.
        found = system.check_for_alerts()
        evaluated_at = system.quality_evaluated_at()
        if evaluated_at is None or utc_now() - evaluated_at >= QUALITY_EVERY:
            system.evaluate_quality()
    names = ", ".join(alert.rule for alert in found) or "none"
    return dg.SkipReason(f"open alerts: {names}")
