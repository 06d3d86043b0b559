"""The materialized views and their refresh, which waits while a blocking check is broken.

For: refresh of months, maintenance, the facade. Not for: what they say (``sql/views``).
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.records.quality import BLOCKING, CHECKS, BrokenPromise

VIEWS: Final = (
    "mv_daily_assessment_overview",
    "mv_weekly_response_metrics",
    "mv_monthly_ocean_distributions",
    "mv_industry_benchmarks",
    "mv_system_performance_dashboard",
)
"""The materialized views, each after what it reads."""


class PromisesBroken(IntegrityFailure):
    """Something is not done because the newest result of a blocking check is bad."""

    def __init__(self, what: str, broken: Sequence[BrokenPromise]) -> None:
        found = "; ".join(
            f"{one.name} on {one.measured_at:%Y-%m-%d %H:%M} UTC: {one.summary}" for one in broken
        )
        super().__init__(
            f"{what} as they are, since a blocking check is broken ({found}). Mend the cause, then "
            "look again: `ioc-analytics health --evaluate`, or the check itself in Dagster's pages"
        )


def broken_promises(
    connection: psycopg.Connection[Any], names: Sequence[str] = BLOCKING
) -> tuple[BrokenPromise, ...]:
    """Return those of some blocking checks whose newest result is bad."""
    wanted = {"names": list(names), "tables": [CHECKS[name].table for name in names]}
    found = connection.execute(sqlfiles.query("schema/broken_promises"), wanted)
    return tuple(BrokenPromise(*row) for row in found)


def refresh_views(database: Database) -> tuple[str, ...]:
    """Refresh the materialized views, without locking readers out; return their names.

    Raises:
        PromisesBroken: The newest result of a blocking check is bad; the views stay as they are.
    """
    for view in VIEWS:
        refresh_view(database, view)
    return VIEWS


def refresh_view(database: Database, view: str) -> None:
    """Refresh one view, in a transaction of its own.

    Raises:
        PromisesBroken: As :func:`refresh_views`.
    """
    with database.connection("ingest") as connection:
        broken = broken_promises(connection)
        if broken:
            raise PromisesBroken("the views stay", broken)
        connection.execute("SELECT internal.refresh_view(%s)", (view,))
