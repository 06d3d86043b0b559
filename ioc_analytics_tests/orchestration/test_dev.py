"""``dev`` and ``demo``: Dagster with its own database, and nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
import yaml

from ioc_analytics.cli.dev import start_dev
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.instance import EnvStorage, HomeInstance
from ioc_analytics.orchestration.materialize import materialize_all
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.database import FoundServer
from ioc_analytics_tests.fixtures.processes import CHECKOUT, nothing_is_left, wait_until

PROGRAM = """
import sys, socket
from pathlib import Path
from ioc_analytics.cli.dev import start_dev
from ioc_analytics.kernel.settings import AnalyticsConfig
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
config = AnalyticsConfig.load({}, home=Path(sys.argv[1]), pg_bin=Path(sys.argv[2]))
start_dev(config, port, is_up=lambda address: print(address, flush=True))
"""
LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
  locationOrLoadError { __typename } } } } }
"""


@pytest.mark.slow
def test_dev_serves_the_platform_and_leaves_nothing_behind(
    fresh_home: Path, found_server: FoundServer
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(fresh_home), str(found_server.bin_folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        # As a shell starts a job in the background: Dagster alone could not be stopped then.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        assert process.stdout is not None
        address = ""
        while not address.startswith("http://127.0.0.1:"):
            address = process.stdout.readline()
            assert address, "dev ended before its page was up"
        (entry,) = ask(address.strip(), LOCATIONS)["workspaceOrError"]["locationEntries"]
        assert entry["name"] == "ioc_analytics"
        assert entry["locationOrLoadError"]["__typename"] == "RepositoryLocation"
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 3
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=120)
        if process.stdout is not None:
            process.stdout.close()
    assert status == 0
    assert [one for one in family if one.is_running()] == []
    wait_until(lambda: nothing_is_left(fresh_home))


def ask(address: str, query: str) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - an address of this test's own
        f"{address}/graphql",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)["data"]
    return found


def test_a_port_in_use_is_named(fresh_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} of 127.0.0.1 cannot be used"):
            start_dev(AnalyticsConfig.load({}, home=fresh_home), port)
    assert not fresh_home.exists()


@pytest.mark.slow
def test_everything_is_made_and_its_runs_are_kept_on_the_embedded_server(
    fresh_home: Path, found_server: FoundServer, tmp_path: Path
) -> None:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    batch = tmp_path / "batch"
    generate_files(batch, responses=100, start=date(2025, 1, 1), days=59)
    told: list[str] = []
    summary = materialize_all(config, [batch], progress=told.append)
    assert summary.runs == 2
    assert len(summary.assets) == 13
    assert summary.months == 2
    assert summary.accepted > 5000
    assert [check.passed for check in summary.checks] == [True] * 4
    assert told == ["taking in batch", "releasing 2025-01 to 2025-02, and the views"]

    settings = yaml.safe_load((fresh_home / "dagster" / "dagster.yaml").read_text())
    assert settings["storage"]["postgres"]["postgres_url"].startswith("postgresql+psycopg2://")
    assert (fresh_home / "dagster" / "dagster.yaml").stat().st_mode & 0o077 == 0
    with AnalyticsSystem(config) as system, HomeInstance(config, system.database) as instance:
        assert instance.get_runs_count() == 2
        assert instance.get_latest_materialization_event(
            dg.AssetKey("mv_monthly_ocean_distributions")
        )


def test_without_variables_dagster_keeps_its_runs_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_PG_URL", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    with dg.DagsterInstance.get() as instance:
        assert instance.get_runs_count() == 0
    assert (tmp_path / "storage").is_dir()
    assert type(EnvStorage.from_config_value(None, {})).__name__ == "DagsterSqliteStorage"
