"""Ticks: what is taken from the inbox, what is left alone, which months are asked for."""

import os
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring import health
from ioc_analytics.orchestration import sensors
from ioc_analytics.orchestration.build import build_defs
from ioc_analytics.orchestration.inbox import Inbox
from ioc_analytics.orchestration.monitoring import watch
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.orchestration.test_pipeline import ingest


@pytest.fixture
def watched(platform_config: AnalyticsConfig, tmp_path: Path) -> AnalyticsConfig:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    return platform_config.replace(inbox={"path": inbox, "settle_seconds": 0})


@pytest.fixture
def analytics(watched: AnalyticsConfig) -> Iterator[AnalyticsSystem]:
    with AnalyticsSystem(watched) as system:
        yield system


@pytest.fixture
def inbox(watched: AnalyticsConfig) -> Path:
    return watched.inbox.path


def asked_for(
    system: AnalyticsSystem, instance: dg.DagsterInstance, name: str = "inbox"
) -> list[dg.RunRequest]:
    """Return the runs that one tick of a sensor asks for."""
    resource = AnalyticsResource.holding(system)
    definitions = build_defs(resources={"analytics": resource})
    sensor: Any = next(one for one in definitions.sensors or () if one.name == name)
    with dg.build_sensor_context(
        instance=instance, resources={"analytics": resource}, definitions=definitions
    ) as context:
        return list(sensor.evaluate_tick(context).run_requests or [])


def paths(requests: list[dg.RunRequest]) -> list[str]:
    return [
        Path(request.run_config["ops"]["anonymized_tables"]["config"]["paths"][0]).name
        for request in requests
    ]


def record_run(
    instance: dg.DagsterInstance, request: dg.RunRequest, status: Any, job: str = "ingest"
) -> None:
    """Let the instance know a run as the daemon would have made it."""
    definitions = build_defs()
    run = instance.create_run_for_job(
        definitions.resolve_job_def(job),
        run_config=request.run_config,
        tags=dict(request.tags),
        status=status,
    )
    assert run.tags


def test_two_complete_batches_are_asked_for_in_one_tick(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, inbox: Path
) -> None:
    (inbox / "one.csv").write_text("a\n")
    (inbox / "two").mkdir()
    (inbox / "two" / "responses.csv").write_text("a\n")
    requests = asked_for(analytics, instance)
    assert paths(requests) == ["one.csv", "two"]
    assert len({request.run_key for request in requests}) == 2


def test_what_is_not_a_complete_batch_is_left_alone(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, inbox: Path
) -> None:
    for name in (".hidden.csv", "x.csv.part", "x.tmp", "one.toml", "mapping.toml"):
        (inbox / name).write_text("a\n")
    for name in ("empty", "done", "failed"):
        (inbox / name).mkdir()
    (inbox / "done" / "old.csv").write_text("a\n")
    (inbox / "link.csv").symlink_to("/etc/hosts")
    assert asked_for(analytics, instance) == []


def test_a_growing_file_waits_even_with_an_old_date(watched: AnalyticsConfig, inbox: Path) -> None:
    settling = Inbox(watched.replace(inbox={"settle_seconds": 3600}).inbox)
    growing = inbox / "growing.csv"
    growing.write_text("a\n")
    os.utime(growing, (0, 0))
    assert settling.arrivals() == []
    assert [arrival.path for arrival in Inbox(watched.inbox).arrivals()] == [growing]


def test_a_file_that_is_being_taken_is_not_asked_for_again(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, inbox: Path
) -> None:
    (inbox / "one.csv").write_text("a\n")
    (request,) = asked_for(analytics, instance)
    record_run(instance, request, dg.DagsterRunStatus.STARTED)
    assert asked_for(analytics, instance) == []
    # Another content under the same name is another arrival.
    (inbox / "one.csv").write_text("a\nb\n")
    (second,) = asked_for(analytics, instance)
    assert second.run_key != request.run_key


def test_what_cannot_be_read_goes_aside_and_keeps_no_other_waiting(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, inbox: Path
) -> None:
    for name, target in (("turning", "turning"), ("dangling", "nowhere")):
        (inbox / name).mkdir()
        (inbox / name / "responses.csv").symlink_to(inbox / name / target)
        (inbox / name / "turning").symlink_to(inbox / name / "turning")
    (inbox / "closed").mkdir()
    (inbox / "closed" / "responses.csv").write_text("a\n")
    (inbox / "closed").chmod(0)
    (inbox / "one.csv").write_text("a\n")
    asked = paths(asked_for(analytics, instance))
    assert "one.csv" in asked
    # The superuser may read everything; another account may not even move it.
    assert ("closed" in asked) == (os.geteuid() == 0)
    (inbox / "closed").chmod(0o700)
    assert {path.name for path in inbox.iterdir()} == {"one.csv", "closed", "failed"}
    (note,) = (inbox / "failed").glob("*-turning.reason.txt")
    assert "turning cannot be read: Too many levels of symbolic links" in note.read_text()
    assert len(list((inbox / "failed").glob("*-dangling"))) == 1


def test_after_a_run_that_died_the_next_attempt_has_another_key(
    analytics: AnalyticsSystem,
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (inbox / "one.csv").write_text("a\n")
    (first,) = asked_for(analytics, instance)
    record_run(instance, first, dg.DagsterRunStatus.FAILURE)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 4000)
    (second,) = asked_for(analytics, instance)
    assert second.run_key != first.run_key
    for _ in range(9):
        record_run(instance, first, dg.DagsterRunStatus.FAILURE)
    assert asked_for(analytics, instance) == []
    (kept,) = (inbox / "failed").glob("*-one.csv")
    assert "10 runs" in kept.with_name(f"{kept.name}.reason.txt").read_text()


def test_the_number_of_the_attempt_and_the_time_of_the_drop_are_tags(
    analytics: AnalyticsSystem,
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (inbox / "one.csv").write_text("a\n")
    (first,) = asked_for(analytics, instance)
    assert first.tags["ioc/attempt"] == "1"
    waited = utc_now() - datetime.fromisoformat(first.tags["ioc/dropped_at"])
    assert 0 <= waited.total_seconds() < 60
    record_run(instance, first, dg.DagsterRunStatus.FAILURE)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 4000)
    (second,) = asked_for(analytics, instance)
    assert second.tags["ioc/attempt"] == "2"


def test_files_wait_while_many_batches_are_on_their_way_or_the_disk_is_nearly_full(
    analytics: AnalyticsSystem,
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for at in range(3):
        (inbox / f"{at}.csv").write_text("a\n")
    first, *_ = asked_for(analytics, instance)
    with monkeypatch.context() as few:
        few.setattr(sensors, "QUEUED_BATCHES", 1)
        record_run(instance, first, dg.DagsterRunStatus.STARTED)
        assert asked_for(analytics, instance) == []
    assert len(asked_for(analytics, instance)) == 2
    monkeypatch.setattr(health, "fullest_disk", lambda _: (97.0, 1e9))
    assert asked_for(analytics, instance) == []


def test_a_refresh_knows_since_when_its_oldest_batch_waits(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, inbox: Path
) -> None:
    for at, start in enumerate((date(2025, 3, 1), date(2025, 3, 9))):
        generate_files(inbox / f"{at}", responses=20, seed=at, start=start, days=5)
    definitions = build_defs(resources={"analytics": AnalyticsResource.holding(analytics)})
    dropped = []
    for request in asked_for(analytics, instance):
        dropped.append(request.tags["ioc/dropped_at"])
        taken = definitions.resolve_job_def("ingest").execute_in_process(
            run_config=request.run_config, tags=dict(request.tags), instance=instance
        )
        assert "seconds_from_drop_to_stored" in str(taken.get_asset_materialization_events()[0])
    (refresh,) = asked_for(analytics, instance, "touched_months")
    assert refresh.tags["ioc/dropped_at"] == min(dropped)
    done = definitions.resolve_job_def("refresh").execute_in_process(
        tags=dict(refresh.tags), instance=instance
    )
    view = next(
        event.materialization
        for event in done.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("mv_daily_assessment_overview")
    )
    waited: Any = view.metadata["seconds_from_drop_to_visible"].value
    assert 0 < waited < 600


@pytest.mark.parametrize(
    ("mapping", "batch", "found"),
    [
        ("survey.csv.toml", "survey.csv.gz", None),
        ("survey.csv.gz.toml", "survey.csv.gz", "survey.csv.gz.toml"),
        ("survey.toml", "survey.csv.gz", "survey.toml"),
        ("mapping.toml", "survey.csv", "mapping.toml"),
        ("mapping.toml", "folder", None),
        ("folder/mapping.toml", "folder", "mapping.toml"),
    ],
)
def test_a_mapping_is_found_by_its_name(
    mapping: str, batch: str, found: str | None, watched: AnalyticsConfig, inbox: Path
) -> None:
    if batch == "folder":
        (inbox / "folder").mkdir()
        (inbox / "folder" / "responses.csv").write_text("a\n")
    else:
        (inbox / batch).write_text("a\n")
    (inbox / mapping).write_text("")
    (arrival,) = Inbox(watched.inbox).arrivals()
    assert (arrival.mapping and arrival.mapping.name) == found


def test_a_taken_batch_is_deleted_and_a_bad_one_kept_with_its_reason(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, inbox: Path
) -> None:
    generate_files(inbox / "good", responses=20, start=date(2025, 3, 1), days=5)
    (inbox / "bad.csv.gz").write_bytes(b"\x1f\x8b no gzip")
    definitions = build_defs(resources={"analytics": AnalyticsResource.holding(analytics)})
    assert ingest(definitions, instance, inbox / "good").success
    assert not (inbox / "good").exists()
    failed = ingest(definitions, instance, inbox / "bad.csv.gz")
    assert not failed.success
    assert not [event for event in failed.all_events if event.is_step_up_for_retry]
    (kept,) = (inbox / "failed").glob("*-bad.csv.gz")
    assert kept.read_bytes() == b"\x1f\x8b no gzip"
    assert "bad.csv.gz" in kept.with_name(f"{kept.name}.reason.txt").read_text()
    assert (inbox / "failed").stat().st_mode & 0o077 == 0


def test_a_taken_batch_is_kept_for_the_days_asked_for(
    watched: AnalyticsConfig, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Inbox(watched.replace(inbox={"keep_days": 2}).inbox)
    (inbox / "one.csv").write_text("a\n")
    assert folder.finish(inbox / "one.csv", folder.signature_of(inbox / "one.csv"))
    assert folder.purge() == 0
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3 * 86_400)
    assert folder.purge() == 1
    assert list((inbox / "done").iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("keep_days", [0, 2])
def test_what_was_put_in_place_of_a_read_batch_stays(
    kind: str, keep_days: int, watched: AnalyticsConfig, inbox: Path, tmp_path: Path
) -> None:
    folder = Inbox(watched.replace(inbox={"keep_days": keep_days}).inbox)
    batch = inbox / "batch.csv"
    if kind == "folder":
        batch.mkdir()
    file = batch / "responses.csv" if kind == "folder" else batch
    file.write_text("old\n")
    dates = file.stat()
    (read,) = folder.arrivals()
    (tmp_path / "new").write_text("new\n")
    os.utime(tmp_path / "new", ns=(dates.st_atime_ns, dates.st_mtime_ns))
    (tmp_path / "new").rename(file)
    assert not folder.finish(batch, read.signature)
    assert folder.refuse(batch, read.signature, "it is bad") is None
    assert file.read_text() == "new\n"
    (fresh,) = folder.arrivals()
    assert fresh.signature != read.signature
    assert folder.finish(batch, fresh.signature)
    assert not batch.exists()


def test_a_file_replaced_during_its_run_is_kept_for_the_next(
    analytics: AnalyticsSystem,
    instance: dg.DagsterInstance,
    inbox: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generate_files(inbox / "batch", responses=20, start=date(2025, 3, 1), days=5)
    take_in = AnalyticsSystem.ingest_files

    def replaced_meanwhile(system: AnalyticsSystem, path: Path, **options: Any) -> Any:
        receipt = take_in(system, path, **options)
        (path / "late.csv").write_text("a\n")
        return receipt

    monkeypatch.setattr(AnalyticsSystem, "ingest_files", replaced_meanwhile)
    definitions = build_defs(resources={"analytics": AnalyticsResource.holding(analytics)})
    assert ingest(definitions, instance, inbox / "batch").success
    assert (inbox / "batch" / "late.csv").exists()
    assert paths(asked_for(analytics, instance)) == ["batch"]


def test_runs_name_no_one_whom_a_file_is_named_after(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, inbox: Path
) -> None:
    for name in ("ada@example.org.csv", "bob@example.org.csv"):
        (inbox / name).write_text("a\n")
    requests = asked_for(analytics, instance)
    assert paths(requests) == ["ada@example.org.csv", "bob@example.org.csv"]
    assert len({request.run_key for request in requests}) == 2
    assert "example" not in str([(request.run_key, request.tags) for request in requests])
    record_run(instance, requests[0], dg.DagsterRunStatus.STARTED)
    assert paths(asked_for(analytics, instance)) == ["bob@example.org.csv"]


def test_only_a_fault_of_the_content_moves_a_file_to_failed(watched: AnalyticsConfig) -> None:
    folder = Inbox(watched.inbox)
    assert folder.is_to_blame(InvalidInput("a column is missing"))
    assert not folder.is_to_blame(Unavailable("the server is away"))


def test_exactly_the_touched_months_are_asked_for(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    assert asked_for(analytics, instance, "touched_months") == []
    for name, start in (("first", date(2024, 12, 30)), ("second", date(2025, 5, 1))):
        generate_files(tmp_path / name, responses=40, start=start, days=5)
        analytics.ingest_files(tmp_path / name)
    ranges = [
        (
            request.tags["dagster/asset_partition_range_start"],
            request.tags["dagster/asset_partition_range_end"],
        )
        for request in asked_for(analytics, instance, "touched_months")
    ]
    assert ranges == [("2024-12-01", "2025-01-01"), ("2025-05-01", "2025-05-01")]
    analytics.refresh()
    assert asked_for(analytics, instance, "touched_months") == []


def test_a_failed_range_waits_and_an_unfinished_one_holds_all(
    analytics: AnalyticsSystem,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, start in (("first", date(2025, 1, 1)), ("second", date(2025, 5, 1))):
        generate_files(tmp_path / name, responses=20, start=start, days=5)
        analytics.ingest_files(tmp_path / name)
    first, second = asked_for(analytics, instance, "touched_months")
    # The second range ended while the first is still running.
    record_run(instance, first, dg.DagsterRunStatus.STARTED, "refresh")
    record_run(instance, second, dg.DagsterRunStatus.SUCCESS, "refresh")
    assert asked_for(analytics, instance, "touched_months") == []
    (running,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    instance.report_run_failed(running)
    (again,) = asked_for(analytics, instance, "touched_months")
    assert again.tags == second.tags
    assert again.run_key != second.run_key, "Dagster makes no second run of a key"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)
    assert len(asked_for(analytics, instance, "touched_months")) == 2


def refresh_as_asked(system: AnalyticsSystem, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """Carry out what a tick asks for."""
    definitions = build_defs(resources={"analytics": AnalyticsResource.holding(system)})
    requests = asked_for(system, instance, "touched_months")
    for request in requests:
        job = definitions.resolve_job_def("refresh")
        assert job.execute_in_process(instance=instance, tags=dict(request.tags)).success
    return requests


def test_assessments_alone_reach_the_released_figures(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    def created() -> int:
        rows = analytics.query(
            "SELECT assessments_created FROM daily_assessment_metrics WHERE metric_date ="
            " '2025-03-02' AND 'all' = ALL (ARRAY[industry_category, org_size_category, region])"
        ).data
        return int(rows[0]["assessments_created"])

    for name, seed in (("answered", 1), ("alone", 2)):
        generate_files(tmp_path / name, responses=60, seed=seed, start=date(2025, 3, 1), days=3)
    analytics.ingest_files(tmp_path / "answered")
    refresh_as_asked(analytics, instance)
    before = created()
    (file,) = (tmp_path / "alone").glob("assessments*")
    rows = pd.read_parquet(file)
    rows["created_at"] = "2025-03-02T12:00:00Z"
    rows = rows.drop(columns=["published_at", "updated_at"], errors="ignore")
    rows.to_csv(tmp_path / "assessments.csv", index=False)
    receipt = analytics.ingest_files(tmp_path / "assessments.csv")
    assert created() == before
    assert len(refresh_as_asked(analytics, instance)) == 1
    assert created() == before + receipt.accepted
    assert refresh_as_asked(analytics, instance) == []
    assert receipt.batch_id is not None
    analytics.undo_batch(receipt.batch_id)
    assert len(refresh_as_asked(analytics, instance)) == 1
    assert created() == before


def test_days_mature_without_new_rows(
    analytics: AnalyticsSystem,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mature() -> set[bool]:
        rows = analytics.query("SELECT DISTINCT is_mature FROM daily_assessment_metrics").data
        return {row["is_mature"] for row in rows}

    today = utc_now()
    start = (today - timedelta(days=4)).date()
    generate_files(tmp_path / "batch", responses=40, start=start, days=3)
    analytics.ingest_files(tmp_path / "batch")
    refresh_as_asked(analytics, instance)
    assert False in mature()
    assert refresh_as_asked(analytics, instance) == []
    for module in ("orchestration.sensors", "system.upkeep", "insight.refresh"):
        monkeypatch.setattr(f"ioc_analytics.{module}.utc_now", lambda: today + timedelta(days=30))
    assert refresh_as_asked(analytics, instance)
    assert mature() == {True}
    assert refresh_as_asked(analytics, instance) == []


def test_the_watch_measures_and_can_be_switched_off(
    platform_config: AnalyticsConfig, instance: dg.DagsterInstance
) -> None:
    def tick(config: AnalyticsConfig) -> str:
        with AnalyticsSystem(config) as system:
            resource = AnalyticsResource.holding(system)
            definitions = build_defs(resources={"analytics": resource})
            with dg.build_sensor_context(
                instance=instance, resources={"analytics": resource}, definitions=definitions
            ) as context:
                return watch.evaluate_tick(context).skip_message or ""

    off = platform_config.replace(enable_monitoring=False)
    assert "ANALYTICS_ENABLE_MONITORING" in tick(off)
    with AnalyticsSystem(platform_config) as system:
        assert "open alerts: " in tick(platform_config)
        assert system.query("SELECT count(*) AS n FROM system_health_metrics").data[0]["n"] > 30


def why_not(system: AnalyticsSystem, instance: dg.DagsterInstance, name: str) -> str:
    """Return why one tick of a sensor or schedule asks for nothing."""
    resource = AnalyticsResource.holding(system)
    definitions = build_defs(resources={"analytics": resource})
    if name == "refresh_views_schedule":
        schedule: Any = definitions.resolve_schedule_def(name)
        with dg.build_schedule_context(
            instance=instance,
            resources={"analytics": resource},
            scheduled_execution_time=utc_now() + timedelta(hours=1),
        ) as at:
            return str(schedule.evaluate_tick(at).skip_message or "")
    sensor: Any = definitions.resolve_sensor_def(name)
    with dg.build_sensor_context(
        instance=instance, resources={"analytics": resource}, definitions=definitions
    ) as context:
        return str(sensor.evaluate_tick(context).skip_message or "")


def test_bad_accounting_brings_no_refresh_request(
    analytics: AnalyticsSystem, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    folder = tmp_path / "batch"
    generate_files(folder, responses=60, start=date(2025, 2, 1), days=10)
    definitions = build_defs(resources={"analytics": AnalyticsResource.holding(analytics)})
    assert ingest(definitions, instance, folder).success
    (asked,) = asked_for(analytics, instance, "touched_months")
    # The receipt says otherwise than the tables: whatever the reason, somebody has to look.
    change = "UPDATE internal.batches SET receipt = jsonb_set(receipt, '{quarantined}', %s::jsonb)"
    with analytics.database.connection("ingest") as connection:
        (true,) = connection.execute(
            "SELECT receipt -> 'quarantined' FROM internal.batches"
        ).fetchall()[0]
        connection.execute(change, (str(true + 1),))
    assert ingest(definitions, instance, folder).success is False
    for name in ("touched_months", "refresh_views_schedule"):
        assert "newest_batch_accounted on" in why_not(analytics, instance, name)
    # Nor by hand, by the clock or by maintenance.
    for job in ("refresh", "refresh_views"):
        run = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            tags=dict(asked.tags) if job == "refresh" else None,
            raise_on_error=False,
        )
        assert not run.success
        assert not run.get_asset_materialization_events()
    (views,) = [step for step in analytics.perform_maintenance().steps if step.name == "views"]
    assert not views.done
    assert all("newest_batch_accounted" in reason for reason in views.left.values())
    assert analytics.touched_months() == [date(2025, 2, 1)]
    with analytics.database.connection("ingest") as connection:
        connection.execute(change, (str(true),))
    assert analytics.check_integrity("newest_batch_accounted").passed
    assert "the last refresh failed" in why_not(analytics, instance, "touched_months")
    assert not why_not(analytics, instance, "refresh_views_schedule")
