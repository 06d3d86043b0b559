"""Dagster's processes killed in the middle of an ingest and of a publication.

A lock on a table keeps the step in the middle of its transaction, so that the kill never comes too
early or too late. ``everything`` is what ``dev`` has started, and PostgreSQL with its keeper too.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import psutil
import psycopg
import pytest
from psycopg import sql

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.instance import HomeInstance
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.batches import content_fingerprint
from ioc_analytics_tests.fixtures.database import FoundServer
from ioc_analytics_tests.fixtures.processes import (
    CHECKOUT,
    nothing_is_left,
    server_processes,
    wait_until,
)
from ioc_analytics_tests.orchestration.test_dev import PROGRAM

SECONDS = 300
"""Longest time that a run may stay started after the kill, and longest wait for anything else."""

WORDS = {"run": "spawn_main", "daemon": "dagster._daemon", "code server": "api grpc"}
HELD = {
    "ingest": "analytics.anonymized_assessment_responses",
    "publish": "analytics.ocean_trait_distributions",
}
RELEASED = ("daily_assessment_metrics", "ocean_trait_distributions", "benchmarking_data")
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
UNFINISHED = dg.RunsFilter(
    statuses=[
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.CANCELING,
    ]
)


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
            wait_until(lambda: b"\nhttp://127.0.0.1:" in log.read_bytes(), SECONDS)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(timeout=180)


def kill(dev_process: subprocess.Popen[bytes], victim: str, home: Path) -> None:
    """Kill one of Dagster's processes, or all of them together with the server."""
    family = psutil.Process(dev_process.pid).children(recursive=True)
    if victim == "everything":
        victims = [psutil.Process(dev_process.pid), *family, *server_processes(home)]
    else:
        victims = [one for one in family if WORDS[victim] in " ".join(one.cmdline())]
    assert victims
    for one in victims:
        if one.is_running():
            one.kill()
    psutil.wait_procs(victims, timeout=30)


@contextmanager
def held(system: AnalyticsSystem, table: str) -> Iterator[Callable[[], bool]]:
    """Keep whoever writes a table in the middle of its transaction; lend whether somebody waits."""
    with ExitStack() as stack:
        holding, looking = (
            stack.enter_context(system.database.superuser_connection()) for _ in range(2)
        )
        holding.autocommit = False
        holding.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(*table.split("."))))
        yield lambda: looking.execute(WAITING, [table]).fetchone() != (0,)
        try:
            holding.rollback()
        except psycopg.OperationalError:
            stack.pop_all()  # the server was killed too


def released(system: AnalyticsSystem) -> list[str]:
    """Return every released figure as text."""
    with system.database.connection("ingest") as connection:
        return [
            f"{table} {row}"
            for table in RELEASED
            for (row,) in connection.execute(
                sql.SQL("SELECT to_jsonb(t)::text FROM {} AS t ORDER BY 1").format(
                    sql.Identifier("analytics", table)
                )
            )
        ]


@pytest.mark.nightly
@pytest.mark.parametrize("victim", ["run", "daemon", "code server", "everything"])
@pytest.mark.parametrize("step", list(HELD))
def test_killed_in_its_middle_the_batch_is_there_once_and_whole(
    step: str, victim: str, fresh_home: Path, found_server: FoundServer, tmp_path: Path
) -> None:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    # On the file system of the inbox, into which it is renamed.
    batch = fresh_home.parent / "batch"
    generate_files(batch, responses=300, start=date(2025, 3, 1), days=10)
    shutil.copytree(batch, tmp_path / "copy")
    with AnalyticsSystem(config) as system:
        system.initialize()
        with dev(fresh_home, found_server) as process:
            with held(system, HELD[step]) as is_waiting:
                batch.rename(config.inbox.path / "batch")
                wait_until(is_waiting, SECONDS)
                kill(process, victim, fresh_home)
                killed_at = time.monotonic()
            if victim == "run":
                wait_for_the_end(system, config)
        if victim != "run":
            with dev(fresh_home, found_server):
                wait_for_the_end(system, config)
        seconds = time.monotonic() - killed_at
        sys.stdout.write(f"{step}, {victim} killed: all ended, all visible in {seconds:.0f} s\n")
        assert seconds < SECONDS
        assert not list(config.inbox.path.glob("batch"))
        uninterrupted = config.replace(database={"database": "uninterrupted"})
        with AnalyticsSystem(uninterrupted) as whole:
            whole.initialize()
            whole.ingest_files(tmp_path / "copy")
            whole.refresh()
            assert content_fingerprint(system) == content_fingerprint(whole)
            assert released(system) == released(whole)
            assert len(released(whole)) > 100
    wait_until(lambda: nothing_is_left(fresh_home))


def wait_for_the_end(system: AnalyticsSystem, config: AnalyticsConfig) -> None:
    """Wait until the batch is visible, and no run is at work any longer."""
    visible = "SELECT 1 FROM mv_monthly_ocean_distributions LIMIT 1"
    wait_until(lambda: bool(system.query(visible, (), {"use_cache": False}).data), SECONDS)
    with HomeInstance(config, system.database) as instance:
        wait_until(lambda: instance.get_runs_count(UNFINISHED) == 0, SECONDS)
