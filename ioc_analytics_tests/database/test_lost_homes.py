"""The home is lost, the backups are not: what a fresh machine does with the key and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.database.homefiles import HomeFiles
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.keys import KEY_FILE_NAME
from ioc_analytics_tests.database.test_backups import filled_system
from ioc_analytics_tests.fixtures.batches import assessment, content_rows, response, write_batch
from ioc_analytics_tests.fixtures.database import TemporaryServer
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY


@pytest.fixture
def system(server: TemporaryServer, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    with filled_system(server, tmp_path / "backups") as system:
        yield system


@pytest.fixture
def fresh(system: AnalyticsSystem, fresh_home: Path) -> AnalyticsConfig:
    """Settings of a fresh machine: the backups are named, the home has nothing."""
    config = system.config
    return AnalyticsConfig.load(
        {}, home=fresh_home, pg_bin=config.pg_bin, backup={"folder": config.backup.folder}
    )


def put_key_back(home: Path, key: str = PSEUDONYM_KEY) -> None:
    home.mkdir(mode=0o711, exist_ok=True)
    (home / KEY_FILE_NAME).touch(mode=0o600)
    (home / KEY_FILE_NAME).write_text(key)


def test_without_the_key_everything_asks_for_it_and_none_is_made(
    system: AnalyticsSystem, fresh: AnalyticsConfig, tmp_path: Path
) -> None:
    known = system.create_backup().id
    with AnalyticsSystem(fresh) as bare:
        for act in (
            bare.list_backups,
            lambda: bare.verify_backup(known),
            lambda: bare.drill_backup(known),
            lambda: bare.restore_backup(known),
            lambda: bare.restore_backup(known, tmp_path / "elsewhere"),
        ):
            with pytest.raises(ConfigurationError, match="no pseudonym key in .* escrow"):
                act()
    assert not (fresh.home / KEY_FILE_NAME).exists()
    assert not HomeFiles(fresh.home).record.exists(), "and no server either"


def test_with_the_key_a_bare_home_verifies_and_takes_the_backup(
    system: AnalyticsSystem, fresh: AnalyticsConfig, tmp_path: Path
) -> None:
    known = system.create_backup().id
    put_key_back(fresh.home)
    with AnalyticsSystem(fresh) as bare:
        assert bare.verify_backup().state == "verified"
        assert not HomeFiles(fresh.home).record.exists(), "to look at files takes no server"
        assert bare.restore_backup(known).home == str(fresh.home)
    with AnalyticsSystem(fresh) as again:
        assert content_rows(again) == content_rows(system)
        batch = write_batch(
            tmp_path / "more", {"assessments": [assessment()], "responses": [response("later")]}
        )
        assert again.ingest_files(batch).accepted == 1, "the assessment is known: the key fits"


def test_a_home_with_another_key_is_refused_as_target(
    system: AnalyticsSystem, fresh: AnalyticsConfig, tmp_path: Path
) -> None:
    known = system.create_backup().id
    put_key_back(fresh.home)
    put_key_back(tmp_path / "other", "7a" * 32)
    with (
        AnalyticsSystem(fresh) as bare,
        pytest.raises(ConfigurationError, match="another pseudonym key"),
    ):
        bare.restore_backup(known, tmp_path / "other")


def test_the_first_backup_of_a_new_installation_makes_its_key(fresh: AnalyticsConfig) -> None:
    with AnalyticsSystem(fresh) as new:
        new.initialize()
        assert new.list_backups() == []
        assert not (fresh.home / KEY_FILE_NAME).exists()
        made = new.create_backup()
        assert (fresh.home / KEY_FILE_NAME).exists()
        assert new.verify_backup(made.id).state == "verified"
        (fresh.home / KEY_FILE_NAME).unlink()
        with pytest.raises(ConfigurationError, match="no pseudonym key in .* escrow"):
            new.create_backup()
        assert not (fresh.home / KEY_FILE_NAME).exists(), "it would sign what nobody can read"
