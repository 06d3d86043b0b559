"""The figures of one moment, and keeping them in ``system_health_metrics``.

For: ``measure_health`` and ``get_system_metrics``. Not for: their limits (``monitoring.limits``).
"""

from collections.abc import Iterable
from typing import Any

import psycopg

from ioc_analytics.database.jobs import end_lost_jobs
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.host import measure_host, watched_folders
from ioc_analytics.monitoring.limits import limits_of
from ioc_analytics.monitoring.questions import measure_questions, milliseconds, recent_questions
from ioc_analytics.monitoring.server import measure_platform, measure_server, read_quality_score
from ioc_analytics.query.counters import QueryFigures
from ioc_analytics.records.health import (
    DataQuality,
    HealthMeasurements,
    Measurement,
    Performance,
    Resources,
    SystemMetrics,
)


def measure_health(database: Database) -> HealthMeasurements:
    """Measure everything that can be seen and keep it.

    Raises:
        Unavailable: The database cannot be reached, so that nothing can be kept.
    """
    moment = utc_now()
    with database.connection("ingest") as connection:
        end_lost_jobs(connection)
        counted = recent_questions(connection)
        found = [
            *measure_server(connection),
            *measure_platform(connection),
            *measure_host(watched_folders(database.config, database.lease)),
            *_measure_pools(database),
            *measure_questions(counted),
        ]
        made = HealthMeasurements(moment, tuple(found), counted.latency_counts)
        _record(connection, database.config, made)
    return made


def keep_measurements(database: Database, found: Iterable[Measurement]) -> None:
    """Keep figures that somebody else measured, such as the orchestrator its own."""
    with database.connection("ingest") as connection:
        _record(connection, database.config, HealthMeasurements(utc_now(), tuple(found)))


def read_metrics(database: Database, counted: QueryFigures) -> SystemMetrics:
    """Return the seed's system metrics."""
    host = {one.metric: one.value for one in measure_host(())}
    with database.connection("analyst") as connection:
        score = read_quality_score(connection)
    return SystemMetrics(
        Performance(
            milliseconds(counted.average_seconds), counted.cache_hit_rate, counted.error_rate
        ),
        Resources(host["cpu_usage"], host["memory_usage"]),
        DataQuality(score),
    )


def _measure_pools(database: Database) -> list[Measurement]:
    counted = database.pool_figures()
    requests = counted["requests"]
    share = 100.0 * counted["waited"] / requests if requests else None
    return [
        Measurement("pool", "requests", float(requests), "count"),
        Measurement("pool", "waiting_percent", share, "percent"),
        Measurement("pool", "waited_time", float(counted["waited_milliseconds"]), "milliseconds"),
        Measurement("pool", "refused", float(counted["refused"]), "count"),
        Measurement("pool", "connections", float(counted["connections"]), "count"),
    ]


def _record(
    connection: psycopg.Connection[Any], config: AnalyticsConfig, made: HealthMeasurements
) -> None:
    limits = limits_of(config)
    rows = [
        {
            "measured_at": made.measured_at,
            "component": one.component,
            "metric": one.metric,
            "value": one.value,
            "unit": one.unit,
            "status": limits.judge(one.component, one.metric, one.value),
        }
        for one in made.measurements
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sqlfiles.query("monitoring/record_measurement"), rows)
