"""The plan of resources: dates where measurements carry them, unknown where they do not."""

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight.resources import ResourceForecast, ResourcePlan
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics_tests.database.survey import make_survey


def record(analytics: AnalyticsSystem, figure: str, values: Mapping[int, float]) -> None:
    """Keep one figure a day, counted back from today."""
    component, metric = figure.split(".")
    with analytics.database.connection("ingest") as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO analytics.system_health_metrics"
            " (measured_at, component, metric, value, unit, status)"
            " VALUES (now() - make_interval(days => %s), %s, %s, %s, 'x', 'healthy')",
            [(back, component, metric, value) for back, value in values.items()],
        )


def by_name(plan: ResourcePlan) -> dict[str, ResourceForecast]:
    return {one.resource: one for one in plan.resources}


def test_a_new_installation_knows_its_partitions_only(analytics: AnalyticsSystem) -> None:
    plan = by_name(analytics.plan_resources())
    assert list(plan) == ["rows", "bytes", "runtime", "connections", "partitions"]
    for name in ("rows", "bytes", "runtime", "connections"):
        assert not plan[name].is_known
        assert (plan[name].value, plan[name].interval, plan[name].exhausted) == (None, None, None)
        assert "needs 14 days with a figure, found 0" in (plan[name].reason or "")
    partitions = plan["partitions"]
    assert partitions.exhausted is not None
    assert partitions.exhausted.day == 1
    assert partitions.exhausted > utc_now().date()
    assert partitions.used is not None
    assert partitions.value is not None
    assert partitions.value in (partitions.used - 1, partitions.used - 2, 0.0)


def test_growth_gives_values_and_dates_that_are_kept_and_scored(analytics: AnalyticsSystem) -> None:
    noise = (4.0, -3.0, 1.0, -2.0)
    growing = {back: 70 - back + noise[back % 4] for back in range(40)}
    record(analytics, "database.connections_percent", growing)
    record(analytics, "database.size_bytes", {back: 1e9 - 1e7 * back for back in range(20)})
    record(analytics, "host.disk_free", {0: 1e9})
    plan = analytics.plan_resources(10)
    today = utc_now().date()
    connections = by_name(plan)["connections"]
    assert connections.value == pytest.approx(80, abs=3)
    assert connections.interval is not None
    assert connections.interval.low < 80 < connections.interval.high
    assert connections.exhausted is not None
    assert 22 <= (connections.exhausted - today).days <= 38
    stored = by_name(plan)["bytes"]
    assert stored.end == pytest.approx(2e9)
    assert stored.exhausted == today + timedelta(days=100)
    assert stored.value == pytest.approx(1.1e9)
    assert json.loads(json.dumps(plan.to_dict()))["resources"][3]["resource"] == "connections"
    assert list(plan.to_frame()["resource"]) == list(by_name(plan))

    analytics.plan_resources(10)
    kept = "SELECT prediction_target AS t FROM predictive_analytics_results ORDER BY id"
    assert [row["t"] for row in analytics.query(kept).data] == [
        "resource_bytes",
        "resource_connections",
    ]
    # Ten days later.
    with analytics.database.connection("ingest") as connection:
        connection.execute(
            "UPDATE analytics.predictive_analytics_results"
            " SET target_period = daterange(lower(target_period) - 11, upper(target_period) - 11)"
        )
    (scored, _) = sorted(analytics.score_predictions().scored, key=lambda one: -one.actual)
    assert scored.target == "resource_bytes"
    assert scored.actual == pytest.approx(1e9 - 1e7)
    past = by_name(analytics.plan_resources(5))["bytes"].accuracy
    assert past is not None
    assert past.mean_absolute_error == pytest.approx(1.1e8)


def test_rows_grow_with_loads_and_have_no_end(analytics: AnalyticsSystem) -> None:
    for number in range(2):
        analytics.ingest_data(make_survey(analytics.config, 20, name=f"b{number}x", seed=number))
    with analytics.database.connection("ingest") as connection:
        connection.execute(
            "UPDATE internal.batches SET loaded_at = now() - make_interval(days => %s)"
            " WHERE batch_id = (SELECT min(batch_id) FROM internal.batches)",
            [30],
        )
    rows = by_name(analytics.plan_resources())["rows"]
    assert rows.days_of_history == 31
    assert rows.value is not None
    assert rows.used is not None
    assert rows.used > 0
    assert (rows.end, rows.exhausted) == (None, None)
    assert (rows.unit, rows.reason) == ("rows accepted", "rows have no end of their own")


def test_runtime_is_that_of_whole_days(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("ingest") as connection:
        connection.execute(
            "INSERT INTO analytics.processing_jobs (job_type, status, started_at, finished_at)"
            " SELECT 'ingest', 'succeeded', t.day - make_interval(days => back),"
            " t.day - make_interval(days => back) + INTERVAL '50 seconds'"
            " FROM (SELECT date_trunc('day', now(), 'UTC') AS day) AS t,"
            " generate_series(0, 20) AS back"
        )
    runtime = by_name(analytics.plan_resources())["runtime"]
    assert (runtime.days_of_history, runtime.used) == (20, 50)


@pytest.mark.parametrize("horizon", [0, -1, 4000, 2.5, True, "30"])
def test_a_horizon_is_a_number_of_days(analytics: AnalyticsSystem, horizon: int) -> None:
    with pytest.raises(InvalidInput, match="whole number of days from 1 to 3650"):
        analytics.plan_resources(horizon)
