"""Dagster around the platform: drop to visible, ticks, a year's backfill, a year's growth.

Everything in the processes of ``dev``: page, daemon, code server, at their default intervals.
"""

import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from benchmarks.dagster_year import A_DAY, SCHEDULED, simulate
from benchmarks.measuring import seconds, show, throwaway_platform
from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.synthetic.files import generate_files

_DEV = """
import sys, socket
from pathlib import Path
from ioc_analytics.cli.dev import start_dev
from ioc_analytics.kernel.settings import AnalyticsConfig
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
start_dev(AnalyticsConfig.load({}, home=Path(sys.argv[1])), port,
    is_up=lambda address: print(address, flush=True))
"""
_IMPORT = "import ioc_analytics.definitions"
_DROPPED = 10_000


def run(size: int | None, rounds: int) -> None:
    """Measure with a batch of 10,000 responses, and a year of a million, or of ``size``."""
    warnings.filterwarnings("ignore")
    responses = size or 1_000_000
    importing = [_seconds_of(_IMPORT) for _ in range(rounds)]
    bare = [_seconds_of("import dagster") for _ in range(rounds)]
    with TemporaryDirectory() as folder, throwaway_platform() as system:
        batch = Path(folder, "drop")
        generate_files(batch, responses=_DROPPED, seed=1, start=date(2025, 3, 1), days=31)
        with _dev(system.config):
            visible, own, rows = _drop(system, batch)
        ticks = _tick(system)
        year = Path(folder, "year")
        generate_files(year, responses=responses, seed=2, start=date(2025, 1, 1), days=365)
        system.ingest_files(year)
        system.refresh()
        backfill, step = _backfill(system)
        held = _grow(system)
    show(
        f"Dagster around the platform, {_DROPPED:,} responses dropped",
        [
            ("importing the definitions", f"{median(importing):.1f} s", "< 3 s"),
            ("  of which Dagster itself", f"{median(bare):.1f} s", ""),
            ("from drop to visible", f"{visible:.0f} s", "< 60 s"),
            ("  of which steps of our own", f"{own:.1f} s", "< 10 s"),
            *(
                (f"tick without change: {name}", f"{spent * 1e3:.0f} ms", "< 100 ms")
                for name, spent in ticks.items()
            ),
            (
                f"backfill of a year of days, {responses:,} responses, one run",
                f"{backfill:.1f} s",
                "< 60 s at 1 M",
            ),
            ("  overhead of a run with one step", f"{step:.2f} s", ""),
            ("event rows of the drop's runs", f"{rows[0]} ({rows[1] / 1024:.0f} kB)", ""),
            (
                "Dagster's database after a simulated year",
                f"{held['bytes'] / 2**20:,.0f} MiB",
                "< 2 GiB",
            ),
            (
                f"  of {sum(A_DAY.values())} runs a day, old ones forgotten: what is left",
                f"{held['runs']:,} runs, {held['events']:,} events, {held['ticks']:,} ticks",
                "",
            ),
        ],
    )


def _seconds_of(program: str) -> float:
    command = [sys.executable, "-W", "ignore", "-c", program]
    return seconds(lambda: subprocess.run(command, check=True))


@contextmanager
def _dev(config: AnalyticsConfig) -> Iterator[None]:
    log = config.home / "dev.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", _DEV, str(config.home)], stdout=file, stderr=file
        )
        try:
            _wait(lambda: b"\nhttp://127.0.0.1:" in log.read_bytes())
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=120)


def _drop(system: AnalyticsSystem, batch: Path) -> tuple[float, float, tuple[int, int]]:
    """Return seconds until a batch is visible, of our steps, and rows and bytes of events."""
    target = system.config.inbox.path / "drop"
    started = time.monotonic()
    batch.rename(target)
    _wait(lambda: bool(system.query("SELECT 1 FROM mv_daily_assessment_overview LIMIT 1").data))
    visible = time.monotonic() - started
    with _dagster_storage(system) as connection:
        _wait(lambda: _finished(connection))
        row = connection.execute(
            "SELECT count(*), sum(length(event)), sum(extract(epoch FROM timestamp) *"
            " CASE dagster_event_type WHEN 'STEP_START' THEN -1 ELSE 1 END)"
            " FILTER (WHERE dagster_event_type IN ('STEP_START', 'STEP_SUCCESS'))"
            " FROM event_logs"
        ).fetchone()
    assert row is not None
    return visible, float(row[2]), (row[0], row[1])


def _finished(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')"
    ).fetchone()
    return row is not None and row[0] == 0


@contextmanager
def _dagster_storage(system: AnalyticsSystem) -> Iterator[psycopg.Connection[Any]]:
    from ioc_analytics.database.neighbours import neighbour_url

    url = neighbour_url(system.database, "dagster")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _wait(is_reached: Callable[[], bool], patience_seconds: float = 300) -> None:
    deadline = time.monotonic() + patience_seconds
    while not is_reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not reached in {patience_seconds} s")
        time.sleep(0.2)


def _tick(system: AnalyticsSystem) -> dict[str, float]:
    import dagster as dg

    from ioc_analytics.orchestration.build import build_defs
    from ioc_analytics.orchestration.instance import HomeInstance
    from ioc_analytics.resources import AnalyticsResource

    resource = AnalyticsResource.holding(system)
    definitions = build_defs(resources={"analytics": resource})
    found = {}
    with HomeInstance(system.config, system.database) as instance:
        for sensor in definitions.sensors or ():
            cursor = None
            spent = []
            for _ in range(6):
                with dg.build_sensor_context(
                    instance=instance,
                    cursor=cursor,
                    resources={"analytics": resource},
                    definitions=definitions,
                ) as context:
                    started = time.perf_counter()
                    cursor = sensor.evaluate_tick(context).cursor
                    spent.append(time.perf_counter() - started)
            found[sensor.name] = median(spent[1:])
    return found


def _grow(system: AnalyticsSystem) -> dict[str, Any]:
    from ioc_analytics.database.neighbours import neighbour_url
    from ioc_analytics.orchestration.build import build_defs
    from ioc_analytics.orchestration.instance import HomeInstance
    from ioc_analytics.resources import AnalyticsResource

    definitions = build_defs(resources={"analytics": AnalyticsResource.holding(system)})
    with HomeInstance(system.config, system.database) as instance:
        for name in SCHEDULED:
            definitions.resolve_job_def(name).execute_in_process(instance=instance)
        days = system.config.retention.dagster_days
        return simulate(instance, neighbour_url(system.database, "dagster"), days)


def _backfill(system: AnalyticsSystem) -> tuple[float, float]:
    from ioc_analytics.orchestration.build import build_defs
    from ioc_analytics.orchestration.instance import HomeInstance
    from ioc_analytics.resources import AnalyticsResource

    definitions = build_defs(resources={"analytics": AnalyticsResource.holding(system)})
    by_range = {
        "dagster/asset_partition_range_start": "2025-01-01",
        "dagster/asset_partition_range_end": "2025-12-31",
    }
    with HomeInstance(system.config, system.database) as instance:

        def job(name: str, tags: dict[str, str] | None = None) -> None:
            quiet = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
            definitions.resolve_job_def(name).execute_in_process(
                instance=instance, tags=tags, run_config=quiet
            )

        year = seconds(lambda: job("rebuild_days", by_range))
        run = seconds(lambda: job("refresh_views"))
        alone = seconds(system.refresh_views)
    return year, run - alone
