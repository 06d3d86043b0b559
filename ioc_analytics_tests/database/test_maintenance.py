"""Maintenance on a real database: on evidence, never waiting for locks, told before it is done."""

import psycopg
from psycopg import sql

from ioc_analytics.system import AnalyticsSystem

LITTER = "CREATE TABLE internal.litter (n integer)"
ROWS = 5000


def owner(system: AnalyticsSystem, *statements: str) -> None:
    """Run statements as the owner of the tables, in a transaction."""
    with system.database.connection("owner") as connection:
        for statement in statements:
            connection.execute(statement.encode())


def litter(system: AnalyticsSystem) -> None:
    """Leave a table behind with thousands of dead rows and no statistics."""
    owner(
        system,
        LITTER,
        "ALTER TABLE internal.litter SET (autovacuum_enabled = false)",
        f"INSERT INTO internal.litter SELECT generate_series(1, {ROWS})",
        "DELETE FROM internal.litter WHERE n % 2 = 0",
        "SELECT pg_stat_force_next_flush()",
    )


def test_a_dry_run_says_what_the_real_one_does(analytics: AnalyticsSystem) -> None:
    litter(analytics)
    told = analytics.perform_maintenance(dry_run=True)
    assert told.is_dry_run
    assert not any(step.done for step in told.steps)
    done = analytics.perform_maintenance()
    for step in told.steps:
        if step.name != "vacuum":
            assert done.step(step.name).done == step.plan
    (vacuum,) = [action for action in told.step("vacuum").plan if "internal.litter" in action]
    assert f"{ROWS // 2:,} dead" in vacuum
    # ANALYZE came first and counted the live rows anew.
    assert any("internal.litter" in action for action in done.step("vacuum").done)
    assert done.step("vacuum").before["dead_rows"] >= ROWS // 2
    assert done.step("vacuum").after["dead_rows"] < ROWS // 2
    again = analytics.perform_maintenance(dry_run=True)
    assert not any("internal.litter" in action for step in again.steps for action in step.plan)


def test_what_is_locked_is_left_with_its_reason(analytics: AnalyticsSystem) -> None:
    litter(analytics)
    with psycopg.connect(analytics.database.conninfo("owner")) as other:
        other.execute("LOCK TABLE internal.litter IN ACCESS EXCLUSIVE MODE")
        report = analytics.perform_maintenance()
    left = report.step("statistics").left
    assert [reason for action, reason in left.items() if "internal.litter" in action] == [
        "its lock was not to be had in 2 s"
    ]


def test_an_invalid_index_is_built_again_and_a_repeated_one_is_named(
    analytics: AnalyticsSystem,
) -> None:
    litter(analytics)
    owner(
        analytics,
        "CREATE INDEX litter_a ON internal.litter (n)",
        "CREATE INDEX litter_b ON internal.litter (n)",
    )
    with analytics.database.superuser_connection() as connection:
        connection.execute("SET allow_system_table_mods = on")
        connection.execute(
            sql.SQL(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = {}::regclass"
            ).format(sql.Literal("internal.litter_a"))
        )
    report = analytics.perform_maintenance().step("indexes")
    assert report.done == ("REINDEX INDEX CONCURRENTLY internal.litter_a: it is invalid",)
    assert (report.before["invalid_indexes"], report.after["invalid_indexes"]) == (1, 0)
    assert any(
        "litter_b is the same as internal.litter_a" in finding for finding in report.findings
    )


def test_partitions_are_made_ahead(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("owner") as connection:
        found = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid "
            "WHERE c.relkind = 'r'"
        ).fetchall()
    owner(analytics, *(f"DROP TABLE {name}" for (name,) in found))
    step = analytics.perform_maintenance().step("partitions")
    assert len(step.done) == 1
    assert step.before["runway_months"] < step.after["runway_months"]
    assert not analytics.perform_maintenance(dry_run=True).step("partitions").plan


def test_old_measurements_go_and_new_ones_stay(analytics: AnalyticsSystem) -> None:
    analytics.measure_health()
    owner(
        analytics,
        "INSERT INTO analytics.system_health_metrics (measured_at, component, metric, value, unit,"
        " status) VALUES (now() - INTERVAL '401 days', 'host', 'disk_usage', 1, '%', 'healthy')",
    )
    step = analytics.perform_maintenance().step("measurements")
    assert step.done == ("delete 1 measured figures older than 400 days",)
    assert (step.before["old_figures"], step.after["old_figures"]) == (1, 0)
    kept = analytics.query("SELECT count(*) AS n FROM system_health_metrics").data[0]["n"]
    assert kept > 20
