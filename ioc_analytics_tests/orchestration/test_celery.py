"""Runs on Celery, as docs/deploying.md says: two workers, one of which is killed in the middle.

Redis and the workers are real; dagster-celery goes into a virtual environment of this test's own,
because nothing else needs it.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
import psutil
import pytest
import yaml

from ioc_analytics.database.neighbours import neighbour_url
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.database import FoundServer
from ioc_analytics_tests.fixtures.processes import CHECKOUT, wait_until

PACKAGE = "dagster-celery[redis]==0.29.27"
SECONDS = 400
LAUNCH = """
import sys
from dagster._cli import cli
for _ in range(int(sys.argv[1])):
    cli.main(
        ["job", "launch", "-w", "workspace.yaml", "-l", "ioc_analytics", "-j", "measure_health"],
        standalone_mode=False,
    )
"""


WAITING = """
SELECT count(*) FROM pg_locks
WHERE NOT granted AND relation = 'analytics.system_health_metrics'::regclass
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the programs of an environment that has the platform's packages and Celery's."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    folder = tmp_path_factory.mktemp("celery") / "venv"
    venv.create(folder, with_pip=True)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    ours = f"{CHECKOUT}\n{sysconfig.get_paths()['purelib']}\n"
    (packages / "platform.pth").write_text(ours)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", PACKAGE]
    subprocess.run(install, check=True)
    return folder / "bin"


class Deployment:
    """Redis, the daemon and the workers over one platform; all end with the block."""

    def __init__(self, system: AnalyticsSystem, programs: Path, folder: Path) -> None:
        self.system, self.programs, self.folder = system, programs, folder
        self.redis_port, self.code_port = _free_port(), _free_port()
        broker = f"redis://127.0.0.1:{self.redis_port}"
        self.home = folder / "dagster"
        self.environment = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "ANALYTICS_HOME": str(system.config.home),
            "ANALYTICS_PG_BIN": str(system.config.pg_bin),
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_PG_URL": neighbour_url(system.database, "dagster"),
            "CELERY_BROKER_URL": f"{broker}/0",
            "CELERY_RESULT_URL": f"{broker}/1",
        }
        self.stack = ExitStack()

    def __enter__(self) -> "Deployment":
        self.home.mkdir()
        parts = (CHECKOUT / "dagster.yaml", CHECKOUT / "deploy" / "celery" / "launcher.yaml")
        settings = yaml.safe_load("".join(part.read_text() for part in parts))
        settings["run_monitoring"] |= {
            "poll_interval_seconds": 5,
            "free_slots_after_run_end_seconds": 5,
        }
        (self.home / "dagster.yaml").write_text(yaml.safe_dump(settings))
        workspace = yaml.safe_load((CHECKOUT / "deploy" / "workspace.yaml").read_text())
        workspace["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": self.code_port}
        (self.folder / "workspace.yaml").write_text(yaml.safe_dump(workspace))
        redis = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", ""]
        self.start("redis", ["redis-server", *redis])
        dagster = [str(self.programs / "python"), "-m"]
        code = ["api", "grpc", "-m", "ioc_analytics.definitions", "-h", "127.0.0.1", "-p"]
        self.start("code", [*dagster, "dagster", *code, str(self.code_port)])
        wait_until(lambda: _is_open(self.code_port), SECONDS)
        self.start("daemon", [*dagster, "dagster._daemon", "run", "-w", "workspace.yaml"])
        self.workers = {name: self.start_worker(name) for name in ("one", "two")}
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def start_worker(self, name: str) -> psutil.Process:
        configuration = str(CHECKOUT / "deploy" / "celery" / "worker.yaml")
        command = [
            str(self.programs / "dagster-celery"), "worker", "start", "-A", "dagster_celery.app",
            "-y", configuration, "-n", name, "-l", "info", "--", "--concurrency=1",
        ]  # fmt: skip
        return self.start(name, command)

    def start(self, name: str, command: list[str]) -> psutil.Process:
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, cwd=self.folder
            )
        self.stack.callback(_end, process)
        return psutil.Process(process.pid)

    def launch(self, count: int) -> None:
        command = [str(self.programs / "python"), "-c", LAUNCH, str(count)]
        subprocess.run(command, env=self.environment, cwd=self.folder, check=True)

    @contextmanager
    def held_run(
        self, look: Callable[[], list[dg.DagsterRun]]
    ) -> Iterator[tuple[psutil.Process, psutil.Process]]:
        """Keep a run in the middle of its step; lend its worker, and the process that is at it."""
        with self.system.database.connection("owner") as connection:
            connection.execute("LOCK TABLE analytics.system_health_metrics")
            self.launch(1)
            wait_until(lambda: connection.execute(WAITING).fetchone() != (0,), SECONDS)
            held = _tasks(look()[:1])
            (busy,) = (one for name, one in self.workers.items() if self.tasks(name) & held)
            family = busy.children(recursive=True)
            _, executing = (one for one in family if "worker" in one.cmdline())  # its parent, it
            yield busy, executing

    def tasks(self, name: str) -> set[str]:
        """The tasks that a worker says it was given."""
        log = (self.folder / f"{name}.log").read_text()
        return set(re.findall(r"Task execute_job\[(\S+)\] received", log))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started: the wrapper of a worker leaves its children alive."""
    is_running = process.poll() is None
    family = psutil.Process(process.pid).children(recursive=True) if is_running else []
    process.terminate()
    for one in family:
        if one.is_running():
            one.terminate()
    _, alive = psutil.wait_procs(family, timeout=20)
    for one in alive:
        one.kill()
    process.wait(20)


@pytest.fixture
def deployment(
    programs: Path, fresh_home: Path, found_server: FoundServer, tmp_path: Path
) -> Iterator[Deployment]:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    with AnalyticsSystem(config) as system:
        system.initialize()
        with Deployment(system, programs, tmp_path) as running:
            yield running


@pytest.fixture
def look(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[], list[dg.DagsterRun]]]:
    """A function that returns the runs that were launched, newest first."""
    # dagster_celery is not installed here: without the launcher, through the storage alone.
    monkeypatch.setenv("DAGSTER_PG_URL", deployment.environment["DAGSTER_PG_URL"])
    home = tmp_path / "looking"
    home.mkdir()
    shutil.copy(CHECKOUT / "dagster.yaml", home)
    ours = dg.RunsFilter(job_name="measure_health")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield lambda: list(instance.get_runs(ours))


@pytest.mark.nightly
def test_two_workers_share_the_runs_and_a_killed_or_lost_one_is_made_up_for(
    deployment: Deployment, look: Callable[[], list[dg.DagsterRun]]
) -> None:
    def statuses() -> list[str]:
        return [run.status.value for run in look()]

    deployment.launch(3)
    wait_until(lambda: statuses() == ["SUCCESS"] * 3, SECONDS)
    by_worker = [len(deployment.tasks(name) & _tasks(look())) for name in deployment.workers]
    sys.stdout.write(f"runs by worker: {by_worker}\n")
    assert sum(by_worker) == 3
    assert min(by_worker) >= 1

    with deployment.held_run(look) as (_, executing):
        executing.kill()
    wait_until(lambda: statuses() == ["SUCCESS", "FAILURE", *["SUCCESS"] * 3], SECONDS)

    # A machine that is lost says nothing at all: Celery keeps its task as started for ever.
    with deployment.held_run(look) as (machine, _):
        lost = [machine, *machine.children(recursive=True)]
        for process in lost:
            process.kill()
        gone_at = time.monotonic()
    wait_until(lambda: statuses()[1] == "FAILURE" and len(statuses()) == 7, SECONDS)
    sys.stdout.write(f"ended {time.monotonic() - gone_at:.0f} s after its machine was lost\n")
    assert time.monotonic() - gone_at < 300
    wait_until(lambda: statuses()[:2] == ["SUCCESS", "FAILURE"], SECONDS)


def _tasks(runs: list[dg.DagsterRun]) -> set[str]:
    return {run.tags["dagster-celery/task_id"] for run in runs}
