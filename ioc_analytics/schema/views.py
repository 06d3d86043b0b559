"""The materialized views and their refresh.

For: refresh of months, maintenance, the facade. Not for: what they say (``sql/views``).
"""

from typing import Final

from ioc_analytics.database.pools import Database

VIEWS: Final = (
    "mv_daily_assessment_overview",
    "mv_weekly_response_metrics",
    "mv_monthly_ocean_distributions",
    "mv_industry_benchmarks",
    "mv_system_performance_dashboard",
)
"""The materialized views, each after what it reads."""


def refresh_views(database: Database) -> tuple[str, ...]:
    """Refresh the materialized views, without locking readers out; return their names."""
    for view in VIEWS:
        refresh_view(database, view)
    return VIEWS


def refresh_view(database: Database, view: str) -> None:
    """Refresh one view, in a transaction of its own."""
    with database.connection("ingest") as connection:
        connection.execute("SELECT internal.refresh_view(%s)", (view,))
