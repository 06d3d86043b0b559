"""Dagster's processes killed in the middle of an ingest: the batch arrives once all the same."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import psutil
import pytest

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.instance import HomeInstance
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.database import FoundServer
from ioc_analytics_tests.fixtures.processes import CHECKOUT, nothing_is_left, wait_until
from ioc_analytics_tests.orchestration.test_dev import PROGRAM

MINUTES = 60
WORDS = {"run": "spawn_main", "daemon": "dagster._daemon", "code server": "api grpc"}


@contextmanager
def dev(home: Path, server: FoundServer) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``dev`` for a block; it may be killed within."""
    log = home.parent / "dev.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(home), str(server.bin_folder)],
            stdout=file,
            stderr=file,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )
        try:
            wait_until(lambda: b"\nhttp://127.0.0.1:" in log.read_bytes(), 4 * MINUTES)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(timeout=180)


def kill(dev_process: subprocess.Popen[bytes], victim: str) -> list[psutil.Process]:
    """Kill one of Dagster's processes, or all of them; return those that were killed."""
    family = psutil.Process(dev_process.pid).children(recursive=True)
    if victim == "everything":
        victims = [psutil.Process(dev_process.pid), *family]
    else:
        victims = [one for one in family if WORDS[victim] in " ".join(one.cmdline())]
    assert victims
    for one in victims:
        one.kill()
    psutil.wait_procs(victims, timeout=30)
    return victims


@pytest.mark.nightly
@pytest.mark.parametrize("victim", ["run", "daemon", "code server", "everything"])
def test_killed_in_the_middle_of_an_ingest_the_batch_arrives_once_all_the_same(
    victim: str, fresh_home: Path, found_server: FoundServer, tmp_path: Path
) -> None:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    generate_files(tmp_path / "batch", responses=4000, start=date(2025, 3, 1), days=10)
    shutil.copytree(tmp_path / "batch", tmp_path / "copy")
    with AnalyticsSystem(config) as system:
        with dev(fresh_home, found_server) as process:
            system.initialize()
            (tmp_path / "batch").rename(config.inbox.path / "batch")
            running = "SELECT 1 FROM processing_jobs WHERE status = 'running'"
            fresh = {"use_cache": False}
            wait_until(lambda: bool(system.query(running, (), fresh).data), 5 * MINUTES)
            kill(process, victim)
            if victim == "run":
                wait_for_the_end(system, config)
        if victim != "run":
            with dev(fresh_home, found_server):
                wait_for_the_end(system, config)
        again = system.ingest_files(tmp_path / "copy")
        assert (again.accepted, again.duplicates + again.quarantined) == (
            0,
            again.records_processed,
        )
    wait_until(lambda: nothing_is_left(fresh_home))


def wait_for_the_end(system: AnalyticsSystem, config: AnalyticsConfig) -> None:
    """Wait until the batch is visible and every run has come to its end."""
    visible = "SELECT 1 FROM mv_daily_assessment_overview LIMIT 1"
    wait_until(lambda: bool(system.query(visible, (), {"use_cache": False}).data), 10 * MINUTES)
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    with HomeInstance(config, system.database) as instance:
        wait_until(lambda: instance.get_runs_count(unfinished) == 0, 5 * MINUTES)
    assert not list(config.inbox.path.glob("batch"))
