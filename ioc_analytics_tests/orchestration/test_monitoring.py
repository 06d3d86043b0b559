"""What goes wrong in Dagster is told, and nothing stays started whose process is gone."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psutil
import pytest
from dagster._core.events import EngineEventData

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring import integrity
from ioc_analytics.orchestration.build import build_defs
from ioc_analytics.orchestration.freshness import fresh_assets
from ioc_analytics.orchestration.monitoring import failed_checks, measure_instance, watch
from ioc_analytics.orchestration.zombies import ENDED, end_dead_runs, end_lost_tasks
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.processes import name_process
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.processes import wait_until
from ioc_analytics_tests.fixtures.sinks import HttpSink, http_sink
from ioc_analytics_tests.orchestration.test_pipeline import ingest, refresh


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that keeps ticks, which an ephemeral one does not."""
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        yield instance


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with http_sink() as sink:
        yield sink


@pytest.fixture
def analytics(platform_config: AnalyticsConfig, sink: HttpSink) -> Iterator[AnalyticsSystem]:
    """A system whose alerts go to a web server of this test's own."""
    config = platform_config.replace(alerts={"routes": {"webhook_url": sink.url("/alerts")}})
    with AnalyticsSystem(config) as system:
        yield system


def told(sink: HttpSink, event: str = "raised") -> list[str]:
    return [
        body["alert"]["rule"]
        for _, path, body in sink.received
        if path == "/alerts" and body["event"] == event
    ]


def tick(
    sensor: dg.SensorDefinition,
    system: AnalyticsSystem,
    instance: dg.DagsterInstance,
    cursor: str | None = None,
) -> Any:
    resource = AnalyticsResource.holding(system)
    with dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        resources={"analytics": resource},
        definitions=build_defs(resources={"analytics": resource}),
    ) as context:
        return sensor.evaluate_tick(context)


def measured(instance: dg.DagsterInstance, system: AnalyticsSystem) -> dict[str, float | None]:
    return {one.metric: one.value for one in measure_instance(instance, system.config)}


def test_a_failed_run_is_told_once_over_the_routes(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    sink: HttpSink,
    tmp_path: Path,
) -> None:
    tick(watch, analytics, instance)
    assert "runs_fail" not in told(sink)
    bad = tmp_path / "responses.csv"
    bad.write_text("response,assessment\n1,2\n")
    failed = ingest(definitions, instance, bad)
    context: Any = dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_event=failed.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=failed.dagster_run,
        resources={"analytics": AnalyticsResource.holding(analytics)},
    ).for_run_failure()
    failed_runs: Any = next(s for s in definitions.sensors or () if s.name == "failed_runs")
    failed_runs(context)
    assert told(sink).count("runs_fail") == 1
    tick(watch, analytics, instance)
    assert told(sink).count("runs_fail") == 1
    (alert,) = [one for one in analytics.list_alerts() if one.rule == "runs_fail"]
    assert (alert.value, alert.severity) == (1, "error")


def test_a_failed_check_is_told_and_its_end_too(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    sink: HttpSink,
    batch: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ingest(definitions, instance, batch)
    well = tick(failed_checks, analytics, instance)
    assert well.skip_message == "failing as before: none"
    assert tick(failed_checks, analytics, instance, well.cursor).skip_message == (
        "no new result of a check"
    )
    look = integrity.PROMISES["nothing_small_released"]

    def broken(_: Any) -> integrity.Finding:
        return integrity.Finding("nothing_small_released", False, 1, 1, "one is small", ())

    monkeypatch.setitem(integrity.PROMISES, "nothing_small_released", broken)
    assert not refresh(definitions, instance).success
    failing = tick(failed_checks, analytics, instance, well.cursor)
    assert "failing: nothing_small_released" in failing.skip_message
    assert told(sink).count("checks_fail") == 1
    monkeypatch.setitem(integrity.PROMISES, "nothing_small_released", look)
    assert refresh(definitions, instance).success
    tick(failed_checks, analytics, instance, failing.cursor)
    assert told(sink, "resolved").count("checks_fail") == 1


def test_late_assets_are_those_that_schedules_make() -> None:
    config = AnalyticsConfig.load({}, enable_backups=False)
    assert "backups" not in fresh_assets(config)
    graph = build_defs(config).resolve_asset_graph()
    late = {
        key.to_user_string()
        for key in graph.materializable_asset_keys
        if graph.get(key).freshness_policy is not None
    }
    assert late == set(fresh_assets(config))


def start_run(instance: dg.DagsterInstance, number: int, tags: dict[str, str] | None = None) -> str:
    """Let the instance know a run that a process has begun."""
    run = instance.create_run_for_job(
        build_defs().resolve_job_def("refresh_views"), tags=tags or {}
    )
    instance.report_engine_event("begins", run, EngineEventData.in_process(number))
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "refresh_views")
    instance.report_dagster_event(event, run.run_id)
    return str(run.run_id)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at runs that have just begun too."""
    monkeypatch.setattr("ioc_analytics.orchestration.zombies._START_SECONDS", -1)


@pytest.mark.usefixtures("at_once")
def test_a_run_whose_process_was_killed_is_ended_and_a_living_one_is_not(
    instance: dg.DagsterInstance,
) -> None:
    sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with (
        subprocess.Popen(sleeper, stdin=subprocess.PIPE) as killed,
        subprocess.Popen(sleeper, stdin=subprocess.PIPE) as alive,
    ):
        dead, living = (start_run(instance, one.pid) for one in (killed, alive))
        assert end_dead_runs(instance) == []
        killed.send_signal(signal.SIGKILL)
        wait_until(lambda: psutil.Process(killed.pid).status() == psutil.STATUS_ZOMBIE)
        assert end_dead_runs(instance) == [dead]
        killed.wait()
        alive.communicate()
    ended = instance.get_run_by_id(dead)
    assert ended is not None and ended.is_failure
    assert ENDED in str(instance.all_logs(dead, of_type=dg.DagsterEventType.RUN_FAILURE))
    assert end_dead_runs(instance) == [living]


@dg.op(required_resource_keys={"analytics"})
def look_for_oneself(context: dg.OpExecutionContext) -> None:
    """What is dead while this runs, however the clock is set meanwhile?"""
    began, now, boot = psutil.Process().create_time(), time.time(), psutil.boot_time()
    for seconds in (-86_400, 0, 86_400):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("time.time", partial(float, now + seconds))
            patch.setattr("psutil._pslinux.boot_time", partial(float, boot + seconds))
            assert psutil.Process().create_time() == pytest.approx(began + seconds)
            assert end_dead_runs(context.instance) == []


@dg.job
def looking() -> None:
    """One step."""
    look_for_oneself()


@pytest.mark.usefixtures("at_once")
def test_a_clock_that_is_set_ends_no_living_run(
    instance: dg.DagsterInstance, analytics: AnalyticsSystem
) -> None:
    resources = {"analytics": AnalyticsResource.holding(analytics)}
    assert looking.execute_in_process(instance=instance, resources=resources).success


@pytest.mark.usefixtures("at_once")
def test_a_number_that_another_process_got_is_not_taken_for_the_run(
    instance: dg.DagsterInstance,
) -> None:
    number = psutil.Process().pid
    run = start_run(instance, number)
    assert end_dead_runs(instance) == []
    known = instance.get_run_by_id(run)
    context: Any = SimpleNamespace(run=known, instance=instance)
    name_process(context)
    assert end_dead_runs(instance) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ioc_analytics.orchestration.zombies.process_start", lambda _: "boot:later")
        assert end_dead_runs(instance) == [run]


@pytest.mark.usefixtures("at_once")
def test_a_run_on_another_launcher_is_left_to_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    run = start_run(instance, gone.pid)
    with monkeypatch.context() as patch:
        patch.setattr("ioc_analytics.orchestration.zombies._OWN_LAUNCHERS", ())
        assert end_dead_runs(instance) == []
    assert end_dead_runs(instance) == [run]


@pytest.mark.usefixtures("at_once")
def test_a_run_of_another_machine_is_left_to_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_run(instance, psutil.Process().pid)
    context: Any = SimpleNamespace(run=instance.get_run_by_id(run), instance=instance)
    name_process(context)
    with monkeypatch.context() as patch:
        patch.setattr("ioc_analytics.orchestration.zombies.process_start", lambda _: None)
        patch.setattr("socket.gethostname", lambda: "another")
        assert end_dead_runs(instance) == []
    # In a storage that machines share nobody knows whose a run is that names none.
    unnamed = start_run(instance, 2**22 + 1)
    with monkeypatch.context() as patch:
        patch.setattr("ioc_analytics.orchestration.zombies._is_shared", lambda _: True)
        assert end_dead_runs(instance) == []
        patch.setattr("ioc_analytics.orchestration.zombies.process_start", lambda _: None)
        assert end_dead_runs(instance) == [run]
    assert end_dead_runs(instance) == [unnamed]


@pytest.mark.usefixtures("at_once")
def test_a_task_is_lost_when_workers_deny_it_twice_and_not_when_nobody_answers(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = "dagster-celery/task_id"
    lost, held = (start_run(instance, 2**22 + 1, {tag: task}) for task in ("lost", "held"))
    answers: list[dict[str, list[dict[str, str]]] | None] = [None]
    inspected = SimpleNamespace(active=lambda: answers[-1])
    launcher = SimpleNamespace(
        celery=SimpleNamespace(control=SimpleNamespace(inspect=lambda **_: inspected))
    )
    monkeypatch.setattr(type(instance), "run_launcher", launcher)
    now = time.time()

    def look(seconds: float, missed: dict[str, float]) -> tuple[list[str], dict[str, float]]:
        monkeypatch.setattr("time.time", partial(float, now + seconds))
        return end_lost_tasks(instance, missed)

    assert look(0, {lost: now - 600, held: now - 600}) == ([], {})
    answers.append({"worker": [{"id": "held"}]})
    ended, missed = look(60, {})
    assert (ended, set(missed)) == ([], {lost})
    assert look(90, missed) == ([], missed)
    assert look(120, missed) == ([lost], {})
    assert end_dead_runs(instance) == []


@pytest.mark.usefixtures("at_once")
def test_a_run_of_a_code_server_that_is_gone_is_ended(instance: dg.DagsterInstance) -> None:
    # Another address of the loopback stands for another host; nothing listens there.
    tags = {".dagster/grpc_info": '{"host": "127.0.0.2", "port": 1}'}
    run, ending = (start_run(instance, psutil.Process().pid, tags) for _ in range(2))
    cancelled = instance.get_run_by_id(ending)
    assert cancelled is not None
    instance.report_run_canceling(cancelled)
    assert end_dead_runs(instance) == [run], "one that is being cancelled is left to its server"
