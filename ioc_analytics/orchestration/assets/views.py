"""The materialized views, refreshed together without locking readers out.

For: the jobs that release and that refresh views. Not for: what the views say (``sql/views``).
"""

import time
from collections.abc import Iterator
from typing import Final

import dagster as dg

from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.presentation import table_spec
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

SOURCES: Final = {
    "mv_daily_assessment_overview": "daily_assessment_metrics",
    "mv_weekly_response_metrics": "daily_assessment_metrics",
    "mv_monthly_ocean_distributions": "ocean_trait_distributions",
    "mv_industry_benchmarks": "benchmarking_data",
    "mv_system_performance_dashboard": "system_health_metrics",
}
"""Each view and the table that it reads."""


@dg.multi_asset(
    name="materialized_views",
    specs=[
        table_spec(
            view, "views", kinds={"postgres", "view"}, tags={"privacy": "released"}, deps=[source]
        )
        for view, source in SOURCES.items()
    ],
    retry_policy=RETRY,
    pool="views",
)
def materialized_views(
    context: dg.AssetExecutionContext, analytics: AnalyticsResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Refresh all views concurrently with their readers."""
    started = time.monotonic()
    with failures():
        refreshed = analytics.system.refresh_views()
        seconds = time.monotonic() - started
        waited = presentation.waited(context.run.tags, "visible")
        rows = presentation.count_rows(analytics.system, refreshed)
        courses = presentation.courses(analytics.system, refreshed)
    for view in refreshed:
        metadata = {**rows[view], **courses[view], "seconds_for_all_views": seconds, **waited}
        yield dg.MaterializeResult(asset_key=view, metadata=metadata)
