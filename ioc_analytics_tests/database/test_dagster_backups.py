"""Dagster's database on a server of one's own is backed up, drilled and restored with ours."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ioc_analytics import AnalyticsSystem
from ioc_analytics.database import closed
from ioc_analytics.database.passwords import passwords_file
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.database.test_backups import filled_system
from ioc_analytics_tests.database.test_restore_targets import url_of
from ioc_analytics_tests.fixtures.database import TemporaryServer
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY


@pytest.fixture
def own(server: TemporaryServer, tmp_path: Path) -> Iterator[AnalyticsConfig]:
    """Settings of a server of one's own with two databases for Dagster; one has three runs."""
    with ExitStack() as stack:
        system = stack.enter_context(filled_system(server, tmp_path / "backups"))
        name = system.config.database.database
        beside = system.database.address
        own = AnalyticsConfig.load(
            {"DAGSTER_PG_URL": url_of(server.lease, f"{name}_runs")},
            home=tmp_path / "home",
            pg_bin=server.pg_bin,
            database={"url": url_of(server.lease, name)},
            backup={"folder": system.config.backup.folder},
            privacy={"pseudonym_key": PSEUDONYM_KEY},
        )
        for suffix in ("runs", "empty"):
            with system.database.superuser_connection() as connection:
                made = sql.Identifier(f"{name}_{suffix}")
                connection.execute(sql.SQL("CREATE DATABASE {}").format(made))
            stack.callback(closed.drop, beside, f"{name}_{suffix}")
        stack.callback(closed.drop, beside, f"{name}_moved")
        with psycopg.connect(url_of(server.lease, f"{name}_runs")) as connection:
            connection.execute("CREATE TABLE runs AS SELECT generate_series(1, 3) AS id")
        passwords = json.loads(passwords_file(system.config).read_text())["embedded"]
        own.home.mkdir(mode=0o711)
        passwords_file(own).write_text(json.dumps({Database(own).address.key: passwords}))
        yield own


def beside(config: AnalyticsConfig, suffix: str) -> str:
    url = config.database.url
    assert url is not None
    address, mark, place = url.get_secret_value().partition("?")
    return f"{address}_{suffix}{mark}{place}"


def test_it_is_part_of_backup_drill_and_restore(own: AnalyticsConfig) -> None:
    with AnalyticsSystem(own) as system:
        assert system.get_system_status().left_out is None
        made = system.create_backup()
        assert made.fingerprints["dagster:public.runs"].rows == 3
        assert system.drill_backup(made.id).state == "drilled"
    elsewhere = own.replace(database={"dagster_url": beside(own, "empty")})
    with AnalyticsSystem(elsewhere) as system:
        receipt = system.restore_backup(made.id, beside(own, "moved"))
        assert receipt.left_out is None
    with psycopg.connect(beside(own, "empty")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (3,)


def test_one_that_has_tables_stays_as_it_is(own: AnalyticsConfig) -> None:
    with AnalyticsSystem(own) as system:
        made = system.create_backup()
        with psycopg.connect(beside(own, "runs")) as connection:
            connection.execute("DELETE FROM runs WHERE id = 1")
        receipt = system.restore_backup(made.id, beside(own, "moved"))
        assert "stays as it is" in str(receipt.left_out)
    with psycopg.connect(beside(own, "runs")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (2,)


def test_what_is_not_backed_up_is_said(own: AnalyticsConfig) -> None:
    with AnalyticsSystem(own.replace(database={"dagster_url": None})) as system:
        assert "DAGSTER_PG_URL" in str(system.get_system_status().left_out)
        made = system.create_backup()
        assert not any(name.startswith("dagster:") for name in made.fingerprints)
        receipt = system.restore_backup(made.id, beside(own, "moved"))
        assert "does not hold it" in str(receipt.left_out)


def test_one_that_is_away_stops_the_backup_instead_of_being_left_out(own: AnalyticsConfig) -> None:
    away = own.replace(database={"dagster_url": beside(own, "nowhere")})
    with AnalyticsSystem(own) as system:
        made = system.create_backup()
    with AnalyticsSystem(away) as system:
        with pytest.raises(ConfigurationError, match="nowhere"):
            system.create_backup()
        assert [one.id for one in system.list_backups()] == [made.id]
        receipt = system.restore_backup(made.id, beside(own, "moved"))
        assert "nowhere" in str(receipt.left_out), "ours is restored all the same"
