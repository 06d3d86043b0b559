"""Figures of the server and of what the platform keeps on it.

For: ``monitoring.measure`` and ``monitoring.health``. Not for: the host (``monitoring.host``).
"""

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.health import Measurement

_UNITS: Final = {
    "bytes": "bytes",
    "percent": "percent",
    "seconds": "seconds",
    "minutes": "minutes",
    "hours": "hours",
    "months": "months",
}


def measure_server(connection: psycopg.Connection[Any]) -> list[Measurement]:
    """Return the figures of the server; what the login may not see is None."""
    activity = {row["metric"]: row["value"] for row in read_all(connection, "server_activity")}
    return _measurements("database", {**read_one(connection, "server"), **activity})


def measure_platform(connection: psycopg.Connection[Any]) -> list[Measurement]:
    """Return what the platform has to look after, such as freshness and quarantine."""
    figures = dict(read_one(connection, "platform"))
    figures["quality_score"] = read_quality_score(connection)
    return _measurements("platform", figures)


def read_quality_score(connection: psycopg.Connection[Any]) -> float | None:
    """Return the data quality score, 0 to 100; None before the first evaluation."""
    score: float | None = read_one(connection, "quality_score")["score"]
    return score


def read_one(
    connection: psycopg.Connection[Any], query: str, parameters: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the one row of a named query of this room."""
    return read_all(connection, query, parameters)[0]


def read_all(
    connection: psycopg.Connection[Any], query: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the rows of a named query of this room."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sqlfiles.query(f"monitoring/{query}"), parameters).fetchall()


def _measurements(component: str, figures: Mapping[str, float | None]) -> list[Measurement]:
    return [
        Measurement(component, name, value, _UNITS.get(name.rpartition("_")[2], "count"))
        for name, value in figures.items()
    ]
