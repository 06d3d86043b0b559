"""The health check tells what is well, what is not and what cannot be seen; it never raises."""

import json

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.limits import Limit, limits_of
from ioc_analytics_tests.database.survey import make_survey


def test_a_new_installation_is_well(analytics: AnalyticsSystem) -> None:
    health = analytics.health_check()
    unwell = {name: c.detail for name, c in health.checks.items().items() if not c}
    assert set(unwell) <= {"storage"}, "the disk of the machine is not ours"
    assert health.checks.database.status == "healthy"
    assert health.checks.migrations.status == "healthy"
    assert health.checks.data_quality.status == "unknown"
    assert health.checks.freshness.detail == "nothing has been loaded yet"
    assert json.loads(json.dumps(health.to_dict()))["status"] == health.status


@pytest.mark.parametrize(
    ("statement", "part", "status"),
    [
        (
            "UPDATE internal.batches SET loaded_at = now() - INTERVAL '8 days'",
            "freshness",
            "degraded",
        ),
        (
            "INSERT INTO analytics.data_quality_metrics (table_name, check_name, passed, severity)"
            " VALUES ('t', 'one', true, 'critical'), ('t', 'two', false, 'warning')",
            "data_quality",
            "degraded",
        ),
        ("DELETE FROM internal.schema_history WHERE name LIKE '0006%%'", "migrations", "unhealthy"),
    ],
)
def test_a_part_that_is_not_well_is_named(
    analytics: AnalyticsSystem, statement: str, part: str, status: str
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 5, days=1))
    assert analytics.health_check().checks.items()[part].status in ("healthy", "unknown")
    with analytics.database.connection("ingest") as connection:
        connection.execute(statement.replace("%%", "%").encode())
    health = analytics.health_check()
    assert health.checks.items()[part].status == status
    assert not health.checks.items()[part]
    assert health.status in (status, "unhealthy")


def test_a_missing_database_is_unhealthy_and_raises_nothing(
    platform_config: AnalyticsConfig,
) -> None:
    gone = platform_config.replace(
        database={"database": "not_there", "pool": {"connection_timeout_millis": 200}}
    )
    with AnalyticsSystem(gone) as system:
        health = system.health_check()
    assert health.status == "unhealthy"
    assert not health.checks.database
    assert health.checks.migrations.status == "unknown"
    assert health.checks.storage.status != "unknown"


def test_a_server_that_does_not_answer_is_unhealthy(platform_config: AnalyticsConfig) -> None:
    away = AnalyticsConfig.load(
        {},
        home=platform_config.home,
        database={
            "url": "postgresql://somebody:secret-word@127.0.0.1:1/nothing",
            "pool": {"connection_timeout_millis": 200},
        },
    )
    with AnalyticsSystem(away) as system:
        health = system.health_check()
    assert health.status == "unhealthy"
    assert "secret-word" not in json.dumps(health.to_dict())


def test_measured_figures_are_kept_and_shown_by_the_hour(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 5, days=1))
    measured = analytics.measure_health()
    size = measured.value("database", "size_bytes")
    assert size is not None
    assert size > 1e6
    kept = analytics.query(
        "SELECT component, metric, value, status FROM system_health_metrics ORDER BY 1, 2"
    ).data
    assert len(kept) == len(measured.measurements) == len(measured.to_frame())
    assert all((row["value"] is None) == (row["status"] == "unknown") for row in kept)
    analytics.refresh_views()
    shown = analytics.query(
        "SELECT average FROM mv_system_performance_dashboard WHERE metric = 'size_bytes'"
    ).data
    assert shown == [{"average": size}]


def test_system_metrics_are_unknown_until_something_was_asked(analytics: AnalyticsSystem) -> None:
    metrics = analytics.query_interface.get_system_metrics()
    assert metrics.performance.avg_response_time is None
    assert metrics.performance.error_rate is None
    assert metrics.data_quality.overall_score is None
    assert 0 < (metrics.resources.memory_usage or 0) <= 100
    analytics.query("SELECT pg_sleep(0.02)")
    performance = analytics.get_system_metrics().performance
    assert (performance.avg_response_time or 0) >= 20
    assert performance.error_rate == 0


def test_limits_are_judged_on_their_side() -> None:
    assert [Limit(80, 95).judge(v) for v in (80, 80.1, 96, None)] == [
        "healthy",
        "degraded",
        "unhealthy",
        "unknown",
    ]
    ordinary = limits_of(AnalyticsConfig.load({}))
    assert ordinary.judge("platform", "quality_score", 90) == "healthy"
    assert ordinary.judge("platform", "quality_score", 89.9) == "degraded"
    assert ordinary.judge("platform", "runway_months", 0) == "degraded"
    own = limits_of(AnalyticsConfig.load({}, alerts={"limits": {"quality_score": 80.0}}))
    assert own.judge("platform", "quality_score", 89.9) == "healthy"
