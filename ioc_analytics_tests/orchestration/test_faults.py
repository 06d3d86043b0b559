"""Checks that err, servers that are away, clocks that jump, two daemons at once."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration import schedules
from ioc_analytics.orchestration.build import build_defs
from ioc_analytics.orchestration.inbox import Inbox
from ioc_analytics.orchestration.schedules import build_schedules
from ioc_analytics.resources import RETRY, AnalyticsResource
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.database import FoundServer
from ioc_analytics_tests.fixtures.processes import Holder, wait_until
from ioc_analytics_tests.orchestration.test_definitions import resolved
from ioc_analytics_tests.orchestration.test_pipeline import RANGE, ingest, refresh
from ioc_analytics_tests.orchestration.test_sensors import asked_for


@pytest.fixture
def analytics(platform_config: AnalyticsConfig, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    """A system with an inbox of this test's own, whose files are complete at once."""
    (tmp_path / "inbox").mkdir()
    settings = {"path": tmp_path / "inbox", "settle_seconds": 0}
    with AnalyticsSystem(platform_config.replace(inbox=settings)) as system:
        yield system


def test_a_check_that_errs_blocks_like_one_that_fails(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    batch: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ingest(definitions, instance, batch)

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("no result at all")

    monkeypatch.setattr(AnalyticsSystem, "check_integrity", broken)
    result = refresh(definitions, instance)
    assert not result.success
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    assert dg.AssetKey("ocean_trait_distributions") in made
    assert dg.AssetKey("mv_monthly_ocean_distributions") not in made


def test_a_step_outlasts_a_server_that_is_away_for_a_moment(
    definitions: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = AnalyticsSystem.refresh_views
    answers = iter([Unavailable("the server is away")])

    def away_at_first(system: AnalyticsSystem) -> tuple[str, ...]:
        for error in answers:
            raise error
        return works(system)

    monkeypatch.setattr(AnalyticsSystem, "refresh_views", away_at_first)
    result = definitions.resolve_job_def("refresh_views").execute_in_process(instance=instance)
    assert result.success
    assert len([event for event in result.all_events if event.is_step_up_for_retry]) == 1


def test_the_waits_of_a_step_outlast_a_server_that_is_away_for_two_minutes() -> None:
    waits = [RETRY.calculate_delay(attempt) for attempt in range(1, RETRY.max_retries + 1)]
    assert sum(waits) > 150, "by chance each may be three seconds shorter or longer"


def test_a_step_outlasts_a_server_that_is_stopped_in_its_middle(
    fresh_home: Path,
    found_server: FoundServer,
    tmp_path: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[int] = []

    def wait_shortly(_: dg.RetryPolicy, attempt: int) -> float:
        waited.append(attempt)
        return 0.2 * 2.0**attempt

    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", wait_shortly)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with ExitStack() as stack:
        running = stack.enter_context(Holder(fresh_home, found_server.bin_folder))
        address = conninfo_to_dict(running.told["dsn"])
        # As if it were not ours: nobody starts it again for the platform.
        config = AnalyticsConfig.load(
            {},
            home=tmp_path / "mine",
            database={
                **{"host": address["host"], "port": address["port"], "database": "theirs"},
                **{"username": address["user"], "password": address["password"]},
                "pool": {"connection_timeout_millis": 500},
            },
            operations={"retry_attempts": 0},
        )
        system = stack.enter_context(AnalyticsSystem(config))
        system.initialize()

        url = make_conninfo(running.told["dsn"], dbname="theirs")

        def stop_and_start() -> None:
            with psycopg.connect(url, autocommit=True) as looking:
                wait_until(lambda: looking.execute(waiting).fetchone() != (0,))
            running.stop()
            wait_until(lambda: len(waited) >= 2)
            again = stack.enter_context(Holder(fresh_home, found_server.bin_folder))
            assert again.works()

        holding = psycopg.connect(url)
        stack.callback(holding.close)
        holding.execute("LOCK TABLE analytics.daily_assessment_metrics")
        with ThreadPoolExecutor(1) as thread:
            outage = thread.submit(stop_and_start)
            definitions = build_defs(resources={"analytics": AnalyticsResource.holding(system)})
            job = definitions.resolve_job_def("refresh_views")
            result = job.execute_in_process(instance=instance)
            outage.result()
        assert result.success
        assert len(waited) >= 2


def test_a_tick_fails_while_the_server_is_away_and_the_next_one_works(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, batch: Path
) -> None:
    analytics.ingest_files(batch)
    database = {
        **{"host": "127.0.0.1", "port": 1, "pool": {"connection_timeout_millis": 500}},
        "logins": {"ingest": {"username": "somebody", "password": "secret"}},
    }
    away = analytics.config.replace(database=database, operations={"retry_attempts": 0})
    with AnalyticsSystem(away) as system, pytest.raises((Unavailable, dg.DagsterError)):
        asked_for(system, instance, "touched_months")
    assert len(asked_for(analytics, instance, "touched_months")) == 1


def test_two_daemons_ask_for_one_run(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance
) -> None:
    (analytics.config.inbox.path / "one.csv").write_text("a\n")
    (first,), (second,) = asked_for(analytics, instance), asked_for(analytics, instance)
    assert first.run_key == second.run_key, "Dagster makes one run of a key"


def test_a_run_over_months_without_data_is_no_failure(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    for config in ({}, {"rebuild": True}):
        assert refresh(definitions, instance, RANGE, **config).success


def test_a_month_before_the_first_is_refused(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(dg.DagsterError):
        definitions.resolve_job_def("refresh").execute_in_process(
            partition_key="1989-12-01", instance=instance
        )


def test_a_file_dated_in_the_future_is_taken_all_the_same(
    analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = analytics.config.inbox.path / "one.csv"
    file.write_text("a\n")
    os.utime(file, (4e9, 4e9))
    assert [one.path for one in Inbox(analytics.config.inbox).arrivals()] == [file]
    # A clock that jumps back: the file waits, since nobody knows whether it still grows.
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    assert Inbox(analytics.config.inbox).arrivals() == []
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    assert [one.path for one in Inbox(analytics.config.inbox).arrivals()] == [file]


def test_a_clock_that_jumps_starts_a_schedule_once(monkeypatch: pytest.MonkeyPatch) -> None:
    backup = resolved(build_schedules(AnalyticsConfig.load({}))[0])
    now = utc_now()
    monkeypatch.setattr(schedules, "utc_now", lambda: now + timedelta(days=30))
    asked = 0
    for day in range(31):
        due = (now + timedelta(days=day)).replace(hour=2, minute=0, second=0, microsecond=0)
        with dg.build_schedule_context(scheduled_execution_time=due) as context:
            asked += len(backup.evaluate_tick(context).run_requests or ())
    assert asked == 1
