"""Dagster's own storage does not grow without bound, and forgets nothing that it needs."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.orchestration import forgetting
from ioc_analytics.orchestration.build import build_defs
from ioc_analytics.orchestration.forgetting import forget_old_runs
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.processes import CHECKOUT

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
KEY = dg.AssetKey("kept")


@dg.asset(
    partitions_def=DAYS,
    check_specs=[dg.AssetCheckSpec("well", asset="kept")],
)
def kept(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """What Dagster must remember the newest of."""
    print("a word for the log")  # noqa: T201 - it is what logs are made of
    context.log_event(dg.AssetObservation("kept", partition=context.partition_key))
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture(params=["postgres", "files"])
def instance(
    request: pytest.FixtureRequest,
    storage_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dg.DagsterInstance]:
    """The instance of dagster.yaml, in a database of its own that DAGSTER_PG_URL names, or not."""
    monkeypatch.delenv("DAGSTER_PG_URL", raising=False)
    if request.param == "postgres":
        monkeypatch.setenv("DAGSTER_PG_URL", storage_url)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    with dg.DagsterInstance.get() as instance:
        yield instance


def make(instance: dg.DagsterInstance, day: str) -> str:
    result = dg.materialize([kept], instance=instance, partition_key=day, tags={"ioc/day": day})
    return result.run_id


def events(instance: dg.DagsterInstance) -> Sequence[dg.EventLogRecord]:
    """Return the results of checks, the newest first."""
    evaluations = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    return instance.event_log_storage.get_event_records(evaluations)


def forget(instance: dg.DagsterInstance, analytics: AnalyticsSystem, **config: Any) -> None:
    resource = AnalyticsResource.holding(analytics)
    job = build_defs(resources={"analytics": resource}).resolve_job_def("forget_runs")
    run_config = {"ops": {"forget_old_runs": {"config": config}}}
    assert job.execute_in_process(instance=instance, run_config=run_config).success


def test_old_runs_go_and_the_newest_word_on_each_partition_and_check_stays(
    instance: dg.DagsterInstance, analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = ("2026-01-01", "2026-01-02", "2026-01-01")
    first, second, third = (make(instance, day) for day in days)
    running = instance.create_run_for_job(build_defs().resolve_job_def("refresh_views"))
    started = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "refresh_views")
    instance.report_dagster_event(started, running.run_id)
    assert instance.all_logs(first) and instance.all_logs(second)
    logs = Path(instance.root_directory) / "storage"
    assert {first, second, third} <= {path.name for path in logs.iterdir()}

    forget(instance, analytics)
    assert instance.get_run_by_id(first) is not None, "nothing is old yet"
    later = utc_now() + timedelta(days=91)
    monkeypatch.setattr(forgetting, "utc_now", lambda: later)
    hold = analytics.hold_retention("case 17", tier="dagster")
    forget(instance, analytics)
    assert instance.get_run_by_id(first) is not None, "a hold keeps everything"
    analytics.release_retention(hold.id)
    forget(instance, analytics)

    assert instance.get_run_by_id(first) is None
    assert not list(Path(instance.root_directory).rglob(f"{first}*")), "no file of its own is left"
    assert first not in {one.run_id for one in events(instance)}
    assert instance.get_runs_count(dg.RunsFilter(tags={"ioc/day": "2026-01-01"})) == 1
    assert instance.get_run_by_id(running.run_id) is not None
    assert instance.all_logs(running.run_id)
    assert instance.get_materialized_partitions(KEY) == {"2026-01-01", "2026-01-02"}
    newest = instance.get_latest_materialization_event(KEY)
    assert newest is not None and newest.run_id == third
    observed = instance.fetch_observations(KEY, limit=10).records
    assert [one.partition_key for one in observed] == ["2026-01-01", "2026-01-02"]
    check = dg.AssetCheckKey(KEY, "well")
    result = instance.event_log_storage.get_latest_asset_check_execution_by_key([check])[check]
    assert result.run_id == third
    assert events(instance)[0].run_id == third


def test_what_is_made_again_and_again_takes_no_more_room(instance: dg.DagsterInstance) -> None:
    held = []
    for _ in range(3):
        for day in ("2026-01-01", "2026-01-02"):
            make(instance, day)
        forget_old_runs(instance, utc_now())
        runs = [record.dagster_run.run_id for record in instance.get_run_records()]
        held.append((len(runs), sum(len(instance.all_logs(run)) for run in runs)))
    assert held == [held[0]] * 3
    assert held[0][0] == 2
