"""Backups killed, cut off and out of space: what is left is cleared, and the next run is whole."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.backup.fingerprints import fingerprint_database
from ioc_analytics.database.accounts import server_account
from ioc_analytics.database.embedded import recorded_cluster
from ioc_analytics.database.filelocks import file_lock
from ioc_analytics.database.homefiles import HomeFiles, read_json
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics_tests.database.test_backups import filled_system, restored
from ioc_analytics_tests.fixtures.batches import content_rows
from ioc_analytics_tests.fixtures.database import (
    TemporaryServer,
    drop_database,
)
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY
from ioc_analytics_tests.fixtures.processes import CHECKOUT, nothing_is_left, wait_until

_KILLED = """
import importlib, json, os, signal, sys
from pathlib import Path
from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.settings import AnalyticsConfig

home, pg_bin, database, key, folder, place, verb, arguments = json.loads(sys.argv[1])
module, name = place.rsplit(".", 1)
setattr(importlib.import_module(module), name, lambda *a, **o: os.kill(os.getpid(), signal.SIGKILL))
config = AnalyticsConfig.load(
    {}, home=Path(home), pg_bin=Path(pg_bin), database={"database": database},
    privacy={"pseudonym_key": key}, backup={"folder": folder},
)
with AnalyticsSystem(config) as system:
    getattr(system, verb)(*arguments)
"""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Let a folder be a file system of its own that is soon full, the server's own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    options = f"size={size},mode=700,uid={server_account().uid}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def system(server: TemporaryServer, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    with filled_system(server, tmp_path / "backups") as system:
        yield system


def killed(system: AnalyticsSystem, place: str, verb: str, *arguments: object) -> None:
    """Run a verb in a process that kills itself where a function would be called."""
    config = system.config
    told = [
        *(str(config.home), str(config.pg_bin), config.database.database, PSEUDONYM_KEY),
        *(str(config.backup.folder), f"ioc_analytics.{place}", verb, arguments),
    ]
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, json.dumps(told)], cwd=CHECKOUT, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("place", ["backup.dump.fingerprint_database", "backup.dump.mark_files"])
def test_a_killed_backup_leaves_no_backup_and_the_next_one_clears_up(
    system: AnalyticsSystem, place: str
) -> None:
    killed(system, place, "create_backup")
    folder = system.config.backup.folder
    assert system.list_backups() == []
    assert len(list(folder.glob(".*.new"))) == 1, "the control: it died in the middle"
    backup = system.create_backup()
    assert list(folder.glob(".*.new")) == []
    assert system.verify_backup().id == backup.id


@pytest.mark.parametrize(
    "place", ["backup.restore.compare", "backup.restore._replay", "database.closed.publish"]
)
def test_a_killed_restore_lets_nobody_in_and_run_again_it_is_whole(
    system: AnalyticsSystem, place: str
) -> None:
    backup = system.create_backup()
    target = f"{system.config.database.database}_r"
    draft = system.config.replace(database={"database": f"{target[:50]}_restoring"})
    try:
        killed(system, place, "restore_backup", backup.id, target)
        with (
            Database(draft) as half,
            pytest.raises(psycopg.OperationalError, match="permission denied for database"),
        ):
            psycopg.connect(half.conninfo("analyst"))
        assert system.restore_backup(backup.id, target).target == target
        with restored(system, target) as other:
            assert content_rows(other) == content_rows(system)
        with system.database.superuser_connection() as connection:
            left = "SELECT 1 FROM pg_database WHERE datname = %s"
            assert connection.execute(left, [draft.database.database]).fetchone() is None
    finally:
        for name in (target, draft.database.database):
            drop_database(system.config.replace(database={"database": name}))


def test_a_killed_drill_leaves_no_server_and_the_next_one_counts(system: AnalyticsSystem) -> None:
    system.create_backup()
    killed(system, "backup.drill._ask", "drill_backup")
    home = system.config.home / "drill"
    assert home.is_dir(), "the control: it died in the middle"
    wait_until(lambda: nothing_is_left(home))
    assert system.list_backups()[0].state == "written"
    assert system.drill_backup().state == "drilled"
    with file_lock(system.config.home / "drill.lock", 120):  # other tests drill in the same home
        assert not home.exists()


def test_a_full_disk_is_unavailable_and_leaves_nothing_behind(
    system: AnalyticsSystem, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    with (
        small_disk(small, "128k"),
        AnalyticsSystem(system.config.replace(backup={"folder": small})) as cramped,
    ):
        for how in ({"compression": 0}, {"method": "physical", "compression": 0}):
            with pytest.raises(Unavailable, match="No space left on device"):
                cramped.create_backup(how)
            assert cramped.list_backups() == []
            assert [path.name for path in small.iterdir()] == [".lock"]


def killing(home: Path) -> Callable[..., object]:
    """Return a fingerprint before which the server of a home is killed outright."""

    def kill_and_count(*arguments: object, **options: object) -> object:
        cluster = recorded_cluster(read_json(HomeFiles(home).record))
        os.kill(int((cluster.data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        wait_until(lambda: not (cluster.data / "postmaster.pid").exists())
        return fingerprint_database(*arguments, **options)  # type: ignore[arg-type]

    return kill_and_count


def test_a_scratch_server_that_goes_away_is_not_the_backups_fault(
    system: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.create_backup()
    place = "ioc_analytics.backup.restore.fingerprint_database"
    monkeypatch.setattr(place, killing(system.config.home / "drill"))
    with pytest.raises(Unavailable):
        system.drill_backup()
    (left,) = system.list_backups()
    assert (left.state, left.fault) == ("written", None)
    assert not (system.config.home / "drill").exists()
    monkeypatch.undo()
    assert system.drill_backup().state == "drilled"


def test_a_target_that_goes_away_lets_nobody_in_and_again_it_is_whole(
    system: AnalyticsSystem, fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = system.create_backup()
    place = "ioc_analytics.backup.restore.fingerprint_database"
    monkeypatch.setattr(place, killing(fresh_home))
    with pytest.raises(Unavailable):
        system.restore_backup(backup.id, fresh_home)
    monkeypatch.undo()
    there = system.config.replace(home=fresh_home)
    with AnalyticsSystem(there) as half, pytest.raises(InvalidInput):
        content_rows(half)
    assert system.restore_backup(backup.id, fresh_home).home == str(fresh_home)
    with AnalyticsSystem(there) as other:
        assert content_rows(other) == content_rows(system)


def test_a_server_that_goes_away_is_unavailable(
    system: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fingerprint_database

    def cut(*arguments: object, **options: object) -> object:
        with system.database.superuser_connection() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = 'ioc_backup'",
                [system.config.database.database],
            )
        return whole(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("ioc_analytics.backup.dump.fingerprint_database", cut)
    with pytest.raises(Unavailable):
        system.create_backup()
    assert system.list_backups() == []
    monkeypatch.undo()
    assert system.create_backup().state == "written"
