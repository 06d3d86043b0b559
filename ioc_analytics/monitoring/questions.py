"""What all processes counted of the questions they answered.

For: health, alerts and Prometheus: the process that measures answers nobody itself. Not for:
counting (``query.counters``).
"""

from dataclasses import asdict
from typing import Any, Final

import psycopg

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.monitoring.server import read_one
from ioc_analytics.query.counters import QueryFigures
from ioc_analytics.records.health import Measurement

WINDOW_MINUTES: Final = 15.0
"""Minutes that figures of questions look back: trouble that has passed raises no alert for ever."""

_SHARES: Final = {"median_time": 0.5, "p95_time": 0.95, "p99_time": 0.99}


def keep_counts(database: Database, counted: QueryFigures) -> None:
    """Add what this process counted to what the others did."""
    with database.connection("ingest") as connection:
        given = {**asdict(counted), "latency_counts": list(counted.latency_counts)}
        connection.execute(sqlfiles.query("monitoring/add_query_counts"), given)


def recent_questions(connection: psycopg.Connection[Any]) -> QueryFigures:
    """Return what all processes together counted in the last minutes."""
    row = read_one(connection, "query_counts", {"minutes": WINDOW_MINUTES})
    return QueryFigures(**{**row, "latency_counts": tuple(row["latency_counts"])})


def measure_questions(counted: QueryFigures) -> list[Measurement]:
    """Return how fast, how well and from where questions were answered."""
    return [
        Measurement("query", "requests", float(counted.requests), "count"),
        Measurement("query", "average_time", milliseconds(counted.average_seconds), "milliseconds"),
        *(
            Measurement(
                "query", metric, milliseconds(counted.latency_bound_seconds(share)), "milliseconds"
            )
            for metric, share in _SHARES.items()
        ),
        Measurement("query", "error_rate", counted.error_rate, "share"),
        Measurement("query", "cache_hit_rate", counted.cache_hit_rate, "share"),
    ]


def milliseconds(seconds: float | None) -> float | None:
    """Return seconds as milliseconds; None stays None."""
    return None if seconds is None else seconds * 1000
