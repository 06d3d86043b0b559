"""The database and its logins are made once, by whoever is allowed to, and nobody else gets in."""

import json
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ioc_analytics.database.embedded import acquire_server
from ioc_analytics.database.logins import provision
from ioc_analytics.database.passwords import ROLES, passwords_file
from ioc_analytics.database.pools import Database
from ioc_analytics.database.servers import check_server
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.fixtures.database import (
    FoundServer,
    TemporaryServer,
    clone_template,
    drop_database,
    template_database,
)
from ioc_analytics_tests.fixtures.processes import CHECKOUT, nothing_is_left, wait_until

_PROVISION = """
import sys
from pathlib import Path
from ioc_analytics.database.logins import provision
from ioc_analytics.kernel.settings import AnalyticsConfig
provision(AnalyticsConfig.load({}, home=Path(sys.argv[1]), pg_bin=Path(sys.argv[2])))
"""


def logins_of(connection: psycopg.Connection[Any]) -> dict[str, tuple[bool, ...]]:
    rows = connection.execute(
        "SELECT rolname, rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb,"
        " rolreplication, rolbypassrls FROM pg_roles WHERE rolname LIKE 'ioc\\_%'"
    ).fetchall()
    return {name: tuple(attributes) for name, *attributes in rows}


def test_it_makes_the_database_and_one_plain_login_per_role(
    empty_database: AnalyticsConfig,
) -> None:
    with Database(empty_database) as database, database.superuser_connection() as connection:
        logins = logins_of(connection)
        row = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype, datdba::regrole::text"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        verifiers = connection.execute(
            "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid"
            " WHERE rolname LIKE 'ioc\\_%'"
        ).fetchone()
    assert row == ("UTF8", "C", "C", "ioc_owner")
    assert verifiers == (True,)
    for role in ROLES:
        inherits = role == "owner"
        assert logins[f"ioc_{role}"] == (True, inherits, False, False, False, False, False)


def test_passwords_are_random_private_and_never_in_the_log(
    fresh_home: Path, found_server: FoundServer
) -> None:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    provision(config)
    path = passwords_file(config)
    passwords = json.loads(path.read_text())["embedded"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(passwords) == set(ROLES)
    assert len({*passwords.values()}) == len(ROLES)
    assert min(len(password) for password in passwords.values()) >= 32
    with Database(config) as database:
        assert database.lease is not None
        logs = [*(database.lease.data.parent / "log").glob("*.log")]
        said = "".join(log.read_text() for log in logs)
    assert not any(password in said for password in passwords.values())


def test_repeating_it_changes_nothing(empty_database: AnalyticsConfig) -> None:
    with Database(empty_database) as database, database.superuser_connection() as connection:
        before = (logins_of(connection), passwords_file(empty_database).read_bytes())
        provision(empty_database)
        assert (logins_of(connection), passwords_file(empty_database).read_bytes()) == before


def test_eight_processes_at_once_agree(fresh_home: Path, found_server: FoundServer) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROVISION, str(fresh_home), str(found_server.bin_folder)],
            cwd=CHECKOUT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    faults = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, faults
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    with Database(config) as database:
        for role in ROLES:
            with database.connection(role) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)


def test_lost_passwords_of_our_own_server_are_made_anew(
    fresh_home: Path, found_server: FoundServer
) -> None:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    provision(config)
    passwords_file(config).unlink()
    provision(config)
    with Database(config) as database, database.connection("reader") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_only_the_logins_may_enter_the_database(
    server: TemporaryServer, empty_database: AnalyticsConfig
) -> None:
    name = f"stranger_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.lease.conninfo(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'known'").format(sql.Identifier(name))
        )
        try:
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(
                    host=server.lease.host,
                    port=server.lease.port,
                    user=name,
                    password="known",
                    dbname=empty_database.database.database,
                )
        finally:
            superuser.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_nobody_but_the_owner_makes_objects(empty_database: AnalyticsConfig) -> None:
    with Database(empty_database) as database:
        for role in ROLES:
            with database.connection(role) as connection:
                row = connection.execute(
                    "SELECT has_database_privilege(current_database(), 'CREATE'),"
                    " has_schema_privilege('public', 'USAGE')"
                ).fetchone()
            assert row == (role == "owner", role == "owner")


@pytest.fixture
def real_server(server: TemporaryServer) -> Iterator[dict[str, Any]]:
    """The server as if it were not ours: settings that name it by host, with a DBA's login."""
    names = {role: f"{role}_{uuid.uuid4().hex[:8]}" for role in (*ROLES, "dba")}
    with psycopg.connect(server.lease.conninfo(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD 'known'").format(
                sql.Identifier(names["dba"])
            )
        )
        database = f"test_{uuid.uuid4().hex[:16]}"
        yield {
            "host": server.lease.host,
            "port": server.lease.port,
            "database": database,
            "username": server.lease.superuser,
            "password": server.lease.password,
            "logins": {role: {"username": names[role], "password": "known"} for role in ROLES},
            "dba": names["dba"],
        }
        superuser.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
        )
        for name in names.values():
            superuser.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def test_logins_given_by_the_settings_become_members_of_the_roles(
    tmp_path: Path, empty_database: AnalyticsConfig, real_server: dict[str, Any]
) -> None:
    del real_server["dba"]
    config = AnalyticsConfig.load({}, home=tmp_path, database=real_server)
    provision(config)
    provision(config)
    assert not passwords_file(config).exists()
    with Database(config) as database:
        with database.connection("owner") as connection:
            row = connection.execute("SELECT session_user, current_user").fetchone()
            assert row == (real_server["logins"]["owner"]["username"], "ioc_owner")
            connection.execute("CREATE SCHEMA analytics")
            connection.execute("CREATE TABLE seen AS SELECT 1 AS number")
            connection.execute("GRANT USAGE ON SCHEMA analytics TO ioc_reader")
            connection.execute("GRANT SELECT ON seen TO ioc_reader")
        with database.connection("reader") as connection:
            assert connection.execute("SELECT number FROM seen").fetchone() == (1,)


def test_a_login_without_the_right_gets_the_sql_for_an_administrator(
    tmp_path: Path, empty_database: AnalyticsConfig, real_server: dict[str, Any]
) -> None:
    weak = real_server["dba"]
    with Database(empty_database) as database, database.superuser_connection() as superuser:
        superuser.execute(
            sql.SQL("ALTER ROLE {} NOCREATEROLE NOCREATEDB").format(sql.Identifier(weak))
        )
    del real_server["dba"]
    mine = real_server | {"username": weak, "password": "known"}
    with pytest.raises(ConfigurationError) as raised:
        provision(AnalyticsConfig.load({}, home=tmp_path, database=mine))
    said = str(raised.value)
    login = real_server["logins"]["reader"]["username"]
    assert weak in said
    assert f'CREATE ROLE "{login}" LOGIN' in said
    assert f'GRANT "ioc_reader" TO "{login}"' in said
    assert "known" not in said
    assert "SCRAM" not in said


def test_an_administrator_who_is_no_superuser_is_enough(
    tmp_path: Path, fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    with psycopg.connect(lease.conninfo(), autocommit=True) as superuser:
        superuser.execute("CREATE ROLE dba LOGIN CREATEROLE CREATEDB PASSWORD 'known'")
    mine = {"host": lease.host, "port": lease.port, "username": "dba", "password": "known"}
    logins = {"query": {"username": "asker", "password": "given"}}
    config = AnalyticsConfig.load({}, home=tmp_path / "mine", database=mine | {"logins": logins})
    provision(config)
    provision(config)
    with Database(config) as database:
        for role in ROLES:
            with database.connection(role) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
    lease.release()


def test_passwords_of_another_installation_are_not_overwritten(
    tmp_path: Path, empty_database: AnalyticsConfig, real_server: dict[str, Any]
) -> None:
    del real_server["dba"], real_server["logins"]
    with pytest.raises(ConfigurationError, match="copy that file"):
        provision(AnalyticsConfig.load({}, home=tmp_path, database=real_server))
    with Database(empty_database) as database, database.connection("reader") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_database_with_another_collation_is_refused(
    server: TemporaryServer, database_factory: Any
) -> None:
    config = database_factory()
    drop_database(config)
    with psycopg.connect(server.lease.conninfo(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII'").format(
                sql.Identifier(config.database.database)
            )
        )
    with pytest.raises(ConfigurationError, match="UTF8 and C are needed"):
        provision(config)


def test_a_template_is_built_once_and_its_copies_are_closed_to_strangers(
    server: TemporaryServer,
) -> None:
    built: list[str] = []

    def build(config: AnalyticsConfig) -> None:
        built.append(config.database.database)
        with Database(config) as database, database.connection("owner") as connection:
            connection.execute("CREATE SCHEMA analytics")
            connection.execute("CREATE TABLE filled AS SELECT 7 AS number")

    name = uuid.uuid4().hex
    template = template_database(server, build, name)
    assert template == template_database(server, build, name)
    assert len(built) == 1
    copy = clone_template(template)
    with Database(copy) as database:
        with database.connection("owner") as connection:
            assert connection.execute("SELECT number FROM filled").fetchone() == (7,)
        with database.connection("reader") as connection:
            row = connection.execute(
                "SELECT has_database_privilege('public', current_database(), 'CONNECT')"
            ).fetchone()
            assert row == (False,)
    drop_database(copy)
    drop_database(template)


def test_a_server_with_few_locks_is_pointed_out(
    fresh_home: Path, found_server: FoundServer
) -> None:
    lease = acquire_server(fresh_home, found_server.bin_folder)
    with psycopg.connect(lease.conninfo(), autocommit=True) as connection:
        assert check_server(connection) == ()
        connection.execute("ALTER SYSTEM SET max_locks_per_transaction = 64")
    lease.release()
    wait_until(lambda: nothing_is_left(fresh_home))
    lease = acquire_server(fresh_home, found_server.bin_folder)
    with psycopg.connect(lease.conninfo()) as connection:
        [advice] = check_server(connection)
    assert "ALTER SYSTEM SET max_locks_per_transaction = 512" in advice
    lease.release()
