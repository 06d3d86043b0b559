"""Maintenance on a real database: on evidence, never waiting for locks, told before it is done."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.maintenance import evidence
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
        assert done.step(step.name).done == step.plan
    (vacuum,) = [action for action in told.step("vacuum").plan if "internal.litter" in action]
    assert f"{ROWS // 2:,} dead" in vacuum
    assert done.step("vacuum").before["dead_rows"] >= ROWS // 2
    assert done.step("vacuum").after["dead_rows"] < ROWS // 2
    again = analytics.perform_maintenance(dry_run=True)
    assert not any("internal.litter" in action for step in again.steps for action in step.plan)


def test_what_is_locked_is_left_with_its_reason(analytics: AnalyticsSystem) -> None:
    litter(analytics)
    with psycopg.connect(analytics.database.conninfo("owner")) as other:
        other.execute("LOCK TABLE internal.litter IN ACCESS EXCLUSIVE MODE")
        report = analytics.perform_maintenance()
    left = report.step("vacuum").left
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


def test_a_table_that_is_mostly_empty_is_named(
    analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "FEWEST_EMPTY_BYTES", 100_000)
    litter(analytics)
    owner(analytics, "INSERT INTO internal.litter SELECT generate_series(1, 50000)")
    # Rows at the end keep VACUUM from giving the pages before them back.
    owner(analytics, "DELETE FROM internal.litter WHERE n < 49000")
    analytics.perform_maintenance()
    step = analytics.perform_maintenance(dry_run=True).step("vacuum")
    (finding,) = [text for text in step.findings if "internal.litter" in text]
    assert "pg_repack" in finding
    with analytics.database.connection("owner") as connection:
        row = connection.execute("SELECT pg_relation_size('internal.litter')").fetchone()
    assert row is not None
    assert step.before["empty_bytes"] > 0.9 * row[0]
    owner(analytics, "CREATE TABLE internal.full AS SELECT generate_series(1, 50000) AS n")
    owner(analytics, "ANALYZE internal.full")
    owner(analytics, "DROP TABLE internal.litter")
    step = analytics.perform_maintenance(dry_run=True).step("vacuum")
    assert not step.findings, "the control: a table that is full is not named"


def test_what_comes_after_the_budget_is_left(analytics: AnalyticsSystem) -> None:
    litter(analytics)
    report = analytics.perform_maintenance(budget_seconds=1e-9)
    assert not any(step.done for step in report.steps)
    assert set(report.step("views").left.values()) == {"the time budget was used up"}
    with pytest.raises(InvalidInput, match="more than 0"):
        analytics.perform_maintenance(budget_seconds=0)


def waiting(system: AnalyticsSystem, statement: str) -> int:
    """Return the backend that runs a statement, once it waits for somebody."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    with system.database.superuser_connection() as connection:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = connection.execute(query, [statement]).fetchone()
            if found is not None:
                return int(found[0])
            time.sleep(0.02)
    raise TimeoutError(statement)


def test_a_rebuild_that_was_broken_off_is_cleared_away_and_done_again(
    analytics: AnalyticsSystem,
) -> None:
    litter(analytics)
    owner(analytics, "CREATE INDEX litter_a ON internal.litter (n)")
    invalidate = (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'internal.litter_a'::regclass"
    )
    with analytics.database.superuser_connection() as connection:
        connection.execute(f"SET allow_system_table_mods = on; {invalidate}".encode())
    with psycopg.connect(analytics.database.conninfo("owner")) as reader:
        # REINDEX CONCURRENTLY waits for whoever has read the table to end.
        reader.execute("SELECT count(*) FROM internal.litter")
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(analytics.perform_maintenance)
            backend = waiting(analytics, "REINDEX INDEX CONCURRENTLY%")
            with analytics.database.superuser_connection() as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", [backend])
            with pytest.raises(Unavailable):
                run.result(timeout=60)
    found = "SELECT relname FROM pg_class WHERE relname LIKE 'litter%' AND relkind = 'i' ORDER BY 1"
    with analytics.database.connection("owner") as connection:
        left = [name for (name,) in connection.execute(found)]
        assert len(left) == 2, "the control: the half of a rebuild was left"
    done = analytics.perform_maintenance().step("indexes")
    assert any("DROP INDEX CONCURRENTLY internal.litter_a_cc" in action for action in done.done)
    assert done.after["invalid_indexes"] == 0
    with analytics.database.connection("owner") as connection:
        assert [name for (name,) in connection.execute(found)] == ["litter_a"]
