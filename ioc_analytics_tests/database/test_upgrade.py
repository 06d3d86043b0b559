"""An embedded home moves to the next major version, also when it is killed on the way."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from ioc_analytics import AnalyticsSystem
from ioc_analytics.cli.main import cli
from ioc_analytics.database.embedded import acquire_server
from ioc_analytics.database.neighbours import neighbour_conninfo, neighbour_url
from ioc_analytics.kernel.errors import ConfigurationError, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.fixtures.batches import (
    answers,
    assessment,
    content_rows,
    response,
    write_batch,
)
from ioc_analytics_tests.fixtures.database import FOUND_SERVERS
from ioc_analytics_tests.fixtures.processes import CHECKOUT, Holder, nothing_is_left, wait_until

VERSIONS = sorted(FOUND_SERVERS, key=lambda found: int(found.name[2:]))
OLD, NEW = VERSIONS[0], VERSIONS[-1]

pytestmark = pytest.mark.skipif(OLD == NEW, reason="only one version of PostgreSQL is here")

_KILLED = """
import os, signal, sys
from pathlib import Path
from ioc_analytics.backup import upgrade
from ioc_analytics.database import succession
from ioc_analytics.kernel.settings import AnalyticsConfig

def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(*arguments):
    succeed(*arguments)
    die()

home, pg_bin, moment = sys.argv[1:]
succeed = succession.succeed
succession.succeed = {"before": die, "after": then_die}[moment]
upgrade.upgrade_server(AnalyticsConfig.load({}, home=Path(home), pg_bin=Path(pg_bin)))
"""


@pytest.fixture
def old_home(fresh_home: Path, tmp_path: Path) -> AnalyticsConfig:
    """Settings of an installation of the oldest version that is here, with two responses."""
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=OLD.bin_folder)
    records = {
        "assessments": [assessment()],
        "responses": [response("r1"), response("r2")],
        "question_responses": [*answers("r1"), *answers("r2")],
    }
    with AnalyticsSystem(config) as system:
        system.initialize()
        system.ingest_files(write_batch(tmp_path / "batch", records))
    return config


def content(config: AnalyticsConfig) -> object:
    with AnalyticsSystem(config) as system:
        return content_rows(system)


def test_one_command_moves_data_logins_and_dagster_to_the_next_version(
    old_home: AnalyticsConfig,
) -> None:
    before, newer = content(old_home), old_home.replace(pg_bin=NEW.bin_folder)
    with AnalyticsSystem(old_home) as system:
        url = neighbour_url(system.database, "dagster")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE runs AS SELECT 7 AS run")
        with system.database.superuser_connection() as connection:
            connection.execute("CREATE DATABASE of_the_user")
    with (
        AnalyticsSystem(newer) as system,
        pytest.raises(ConfigurationError, match="ioc-analytics backup upgrade"),
    ):
        system.get_system_status()
    logins = (old_home.home / "logins.json").read_text()
    environment = {"ANALYTICS_HOME": str(old_home.home), "ANALYTICS_PG_BIN": str(NEW.bin_folder)}

    def run() -> dict[str, object]:
        done = CliRunner(env=environment).invoke(cli, ["backup", "upgrade", "--json"])
        assert done.exit_code == 0, done.output
        receipt: dict[str, object] = json.loads(done.stdout)
        return receipt

    receipt = run()
    assert str(receipt["from_version"]).startswith(OLD.name[2:])
    assert str(receipt["to_version"]).startswith(NEW.name[2:])
    assert receipt["left_databases"] == ["of_the_user"]
    assert content(newer) == before
    assert (old_home.home / "logins.json").read_text() == logins
    with AnalyticsSystem(newer) as system:
        assert system.get_system_status().database.server_version.startswith(NEW.name[2:])
        assert [one.state for one in system.list_backups()] == ["drilled"]
        with system.database.connection("auditor") as connection:
            noted = "SELECT count(*) FROM audit_log WHERE action = 'upgrade'"
            assert connection.execute(noted).fetchone() == (1,)
        conninfo = neighbour_conninfo(system.database, "dagster")
        assert conninfo is not None
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("SELECT run FROM runs").fetchall() == [(7,)]
    old_data = Path(str(receipt["old_data"]))
    assert (old_data / "data" / "PG_VERSION").read_text().strip() == OLD.name[2:]
    again = run()
    assert (again["backup"], again["from_version"]) == (None, again["to_version"])
    shutil.rmtree(old_data)  # the user's right, any time
    assert content(newer) == before


def killed(config: AnalyticsConfig, moment: str) -> None:
    arguments = [str(config.home), str(NEW.bin_folder), moment]
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, *arguments], cwd=CHECKOUT, timeout=300, check=False
    )
    assert done.returncode == -signal.SIGKILL
    work = config.home / "upgrade"
    assert work.is_dir(), "the control: it died in the middle"
    wait_until(lambda: all(nothing_is_left(home) for home in work.iterdir()))


def test_killed_it_is_the_old_installation_or_the_new_one_and_run_again_it_ends(
    old_home: AnalyticsConfig,
) -> None:
    before, newer = content(old_home), old_home.replace(pg_bin=NEW.bin_folder)
    killed(old_home, "before")
    assert content(old_home) == before
    killed(old_home, "after")
    assert content(newer) == before
    with AnalyticsSystem(newer) as system:
        assert system.upgrade_server().backup is None
    assert not (old_home.home / "upgrade").exists()
    assert content(newer) == before


def test_a_home_in_use_or_of_a_newer_version_is_refused(
    fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ioc_analytics.backup.upgrade.STOP_TIMEOUT_SECONDS", 0.2)
    with (
        Holder(fresh_home, NEW.bin_folder) as holder,
        AnalyticsSystem(AnalyticsConfig.load({}, home=fresh_home)) as system,
    ):
        assert holder.works()
        with pytest.raises(Unavailable, match="stop Dagster and every other program"):
            system.upgrade_server()
        assert holder.works()
        holder.stop()
    with (
        AnalyticsSystem(AnalyticsConfig.load({}, home=fresh_home, pg_bin=OLD.bin_folder)) as older,
        pytest.raises(ConfigurationError, match="no way back to an older version"),
    ):
        older.upgrade_server()
    acquire_server(fresh_home, NEW.bin_folder).release()


def test_what_is_no_embedded_home_is_refused(tmp_path: Path) -> None:
    with (
        AnalyticsSystem(AnalyticsConfig.load({}, home=tmp_path)) as bare,
        pytest.raises(ConfigurationError, match="has no database of its own"),
    ):
        bare.upgrade_server()
    real = AnalyticsConfig.load({}, home=tmp_path, database={"host": "db.example.org"})
    with (
        AnalyticsSystem(real) as system,
        pytest.raises(ConfigurationError, match="--target postgresql://"),
    ):
        system.upgrade_server()
