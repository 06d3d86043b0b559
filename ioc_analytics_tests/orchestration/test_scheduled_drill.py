"""The schedule of a running Dagster backs real data up, drills the backup, and status says so."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from ioc_analytics import AnalyticsSystem
from ioc_analytics.cli.main import cli
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.fixtures.database import FoundServer
from ioc_analytics_tests.fixtures.processes import CHECKOUT, nothing_is_left, wait_until
from ioc_analytics_tests.fixtures.real_data import real_data
from ioc_analytics_tests.orchestration.test_dev import PROGRAM

MAPPING = CHECKOUT / "examples" / "mappings" / "big5.toml"
RESPONSES = 14_790


@pytest.mark.nightly
def test_real_data_are_drilled_by_the_clock(fresh_home: Path, found_server: FoundServer) -> None:
    path = real_data("big5_2012/big5.tsv.gz")
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    environment = {
        "ANALYTICS_HOME": str(fresh_home),
        "ANALYTICS_PG_BIN": str(found_server.bin_folder),
    }
    with AnalyticsSystem(config) as system:
        system.initialize()
        system.ingest_files(path, mapping=MAPPING)
        started = datetime.now(UTC)
        program = PROGRAM.replace(
            "pg_bin=Path(sys.argv[2])", "pg_bin=Path(sys.argv[2]), backup_schedule='*/2 * * * *'"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(fresh_home), str(found_server.bin_folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )
        try:
            wait_until(lambda: system.get_system_status().last_backup is not None, 600)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=120) == 0
        status = system.get_system_status()
        assert status.last_backup is not None and status.last_backup > started
        drilled = system.list_backups()[-1]
        assert (drilled.created_at, drilled.state) == (status.last_backup, "drilled")
        assert drilled.fingerprints["analytics.anonymized_assessment_responses"].rows == RESPONSES
        assert any(name.startswith("dagster:") for name in drilled.fingerprints)
        run = CliRunner(env=environment)
        shown = run.invoke(cli, ["status"]).output
        assert f"Newest drilled backup: {status.last_backup:%Y-%m-%d %H:%M} UTC" in shown
        assert f"its restore took {status.restore_seconds:,.1f} s" in shown
        assert "the newest drilled backup is 0 hours old" in run.invoke(cli, ["health"]).output
        print(f"\n{shown}")  # noqa: T201 - the nightly run shows what was measured
    wait_until(lambda: nothing_is_left(fresh_home))
