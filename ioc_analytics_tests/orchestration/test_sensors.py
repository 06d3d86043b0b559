"""Ticks: what is taken from the inbox, what is left alone, which months are asked for."""

import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.build import build_defs
from ioc_analytics.orchestration.inbox import Inbox
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
        Path(request.run_config["ops"]["anonymized_tables"]["config"]["path"]).name
        for request in requests
    ]


def record_run(instance: dg.DagsterInstance, request: dg.RunRequest, status: Any) -> None:
    """Let the instance know a run as the daemon would have made it."""
    definitions = build_defs()
    run = instance.create_run_for_job(
        definitions.resolve_job_def("ingest"),
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
    folder.finish(inbox / "one.csv")
    assert folder.purge() == 0
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3 * 86_400)
    assert folder.purge() == 1
    assert list((inbox / "done").iterdir()) == []


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
