"""The watch: a sensor that measures health and checks alerts; it starts no run.

For: ``build_defs``. Not for: the rules and routes (``monitoring``), or data quality, which may take
longer than a tick (``assets.quality``).
"""

from typing import Final

import dagster as dg

from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import failures

INTERVAL_SECONDS: Final = 300


@dg.sensor(
    name="watch",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def watch(context: dg.SensorEvaluationContext, analytics: AnalyticsResource) -> dg.SkipReason:
    """Measures health and checks alerts every five minutes.

    It starts no run: what it found stands in its ticks, in `system_health_metrics` and in
    `ioc-analytics alerts list`. `ANALYTICS_ENABLE_MONITORING=false` switches it off.
    """
    if not analytics.config.enable_monitoring:
        return dg.SkipReason("switched off (ANALYTICS_ENABLE_MONITORING)")
    with failures():
        found = analytics.system.check_for_alerts()
    names = ", ".join(alert.rule for alert in found) or "none"
    return dg.SkipReason(f"open alerts: {names}")
