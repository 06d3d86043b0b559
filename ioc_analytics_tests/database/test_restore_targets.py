"""Where a backup can be restored to: a home folder, another server, another major version."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.database.clients import find_clients
from ioc_analytics.database.embedded import ServerLease, acquire_server, discard_server
from ioc_analytics.database.passwords import passwords_file
from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.keys import KEY_FILE_NAME
from ioc_analytics_tests.database.test_backups import PEOPLE, filled_system
from ioc_analytics_tests.fixtures.batches import assessment, content_rows, response, write_batch
from ioc_analytics_tests.fixtures.database import (
    FOUND_SERVERS,
    FoundServer,
    TemporaryServer,
    drop_database,
)
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY


@pytest.fixture
def system(server: TemporaryServer, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    with filled_system(server, tmp_path / "backups") as system:
        yield system


def test_a_new_home_folder_gets_the_data_and_the_key(
    system: AnalyticsSystem, fresh_home: Path, tmp_path: Path
) -> None:
    config = system.config
    own_key = AnalyticsConfig.load(
        {}, home=config.home, pg_bin=config.pg_bin, database={"database": config.database.database}
    ).replace(backup={"folder": config.backup.folder})
    with AnalyticsSystem(own_key) as keeps_its_key_in_a_file:
        backup = keeps_its_key_in_a_file.create_backup()
        receipt = keeps_its_key_in_a_file.restore_backup(backup.id, fresh_home)
    assert receipt.home == str(fresh_home)
    key = (fresh_home / KEY_FILE_NAME, config.home / KEY_FILE_NAME)
    assert key[0].read_text() == key[1].read_text()
    assert key[0].stat().st_mode & 0o777 == 0o600
    with AnalyticsSystem(own_key.replace(home=fresh_home)) as other:
        assert content_rows(other) == content_rows(system)
        records = {"assessments": [assessment()], "responses": [response("later")]}
        batch = write_batch(tmp_path / "more", records)
        assert other.ingest_files(batch).accepted == 2
    with (
        AnalyticsSystem(own_key) as again,
        pytest.raises(InvalidInput, match="is not empty"),
    ):
        again.restore_backup(backup.id, fresh_home)


def url_of(lease: ServerLease, database: str) -> str:
    place = urlencode({"host": lease.host, "port": lease.port})
    return f"postgresql://{lease.superuser}:{quote(lease.password)}@/{database}?{place}"


@pytest.mark.parametrize("other", FOUND_SERVERS, ids=lambda found: f"into_{found.name}")
def test_another_server_takes_it_by_its_address_unless_it_is_older(
    system: AnalyticsSystem, server: TemporaryServer, fresh_home: Path, other: FoundServer
) -> None:
    backup = system.create_backup()
    lease = acquire_server(fresh_home, other.bin_folder)
    try:
        url = url_of(lease, "moved")
        if lease.version < server.lease.version:
            with pytest.raises(
                ConfigurationError, match=f"the target is PostgreSQL {lease.version}"
            ):
                system.restore_backup(backup.id, url)
            return
        receipt = system.restore_backup(backup.id, url)
        assert (receipt.target, receipt.home) == ("moved", None)
        there = AnalyticsConfig.load(
            {},
            home=system.config.home,
            database={"url": url},
            privacy={"pseudonym_key": PSEUDONYM_KEY},
        )
        with AnalyticsSystem(there) as moved:
            assert content_rows(moved) == content_rows(system)
            assert moved.get_ocean_analysis().sample_size == PEOPLE
            with pytest.raises(InvalidInput, match="is not empty"):
                system.restore_backup(backup.id, url)
    finally:
        lease.release()


def test_a_home_folder_takes_what_a_server_of_ones_own_held(
    system: AnalyticsSystem, server: TemporaryServer, fresh_home: Path, tmp_path: Path
) -> None:
    own = AnalyticsConfig.load(
        {},
        home=tmp_path / "home",
        pg_bin=server.pg_bin,
        database={"url": url_of(server.lease, system.config.database.database)},
        privacy={"pseudonym_key": PSEUDONYM_KEY},
    )
    passwords = json.loads(passwords_file(system.config).read_text())["embedded"]
    own.home.mkdir()
    with AnalyticsSystem(own) as theirs:
        key = theirs.database.address.key
        passwords_file(own).write_text(json.dumps({key: passwords}))
        dump = theirs.create_backup()
        base = theirs.create_backup({"method": "physical"})
        assert theirs.drill_backup(base.id).state == "drilled"
        for backup in (dump, base):
            home = fresh_home / backup.method
            try:
                assert theirs.restore_backup(backup.id, home).home == str(home)
                name = system.config.database.database
                with AnalyticsSystem(system.config.replace(home=home)) as embedded:
                    assert embedded.config.database.database == name
                    assert content_rows(embedded) == content_rows(system)
            finally:
                discard_server(home)


def test_an_address_without_a_database_is_refused(system: AnalyticsSystem) -> None:
    backup = system.create_backup()
    with pytest.raises(InvalidInput, match="names no database"):
        system.restore_backup(backup.id, "postgresql://login@localhost")


def test_client_programs_newer_than_the_server_dump_and_restore_it(
    system: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = max(FOUND_SERVERS, key=lambda found: int(found.name[2:])).bin_folder
    monkeypatch.setattr("ioc_analytics.database.clients._folders", lambda preferred: [newest])
    backup = system.create_backup()
    target = f"{system.config.database.database}_r"
    try:
        assert system.restore_backup(backup.id, target).tables > 50
        with AnalyticsSystem(system.config.replace(database={"database": target})) as other:
            assert content_rows(other) == content_rows(system)
    finally:
        for name in (target, f"{target[:50]}_restoring"):
            drop_database(system.config.replace(database={"database": name}))


def test_programs_of_the_servers_own_version_come_before_newer_ones(
    system: AnalyticsSystem,
) -> None:
    version = system.get_system_status().database.server_version.split()[0]
    assert find_clients(int(version.split(".")[0])).version == version
