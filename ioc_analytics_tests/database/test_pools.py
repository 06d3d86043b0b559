"""Connections carry the right settings, survive a restart, and fail in the platform's words."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ioc_analytics.database.embedded import acquire_server
from ioc_analytics.database.locks import advisory_lock, transaction_lock
from ioc_analytics.database.logins import provision
from ioc_analytics.database.passwords import ROLES
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.errors import (
    ConfigurationError,
    IntegrityFailure,
    InvalidInput,
    PrivacyRefusal,
    Unavailable,
)
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.fixtures.database import FoundServer, TemporaryServer
from ioc_analytics_tests.fixtures.processes import nothing_is_left, server_numbers, wait_until


@pytest.fixture
def database(empty_database: AnalyticsConfig) -> Iterator[Database]:
    with Database(empty_database) as database:
        yield database


def test_every_role_connects_as_its_own_login_with_the_platforms_settings(
    database: Database,
) -> None:
    for role in ROLES:
        with database.connection(role) as connection:
            row = connection.execute(
                "SELECT session_user, current_setting('TimeZone'), current_setting('jit'),"
                " current_setting('search_path'), current_setting('statement_timeout'),"
                " current_setting('application_name')"
            ).fetchone()
        assert row == (f"ioc_{role}", "UTC", "off", "analytics", "10min", f"ioc-analytics {role}")


def test_a_block_commits_at_its_end_and_rolls_back_on_an_error(database: Database) -> None:
    with database.connection("owner") as connection:
        connection.execute("CREATE SCHEMA analytics")
        connection.execute("CREATE TABLE kept (number integer PRIMARY KEY)")
    with pytest.raises(KeyError), database.connection("owner") as connection:
        connection.execute("INSERT INTO kept VALUES (1)")
        raise KeyError("the caller's own error leaves as it is")
    with database.connection("owner") as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_driver_errors_leave_translated_with_their_cause(database: Database) -> None:
    with (
        pytest.raises(InvalidInput, match="nowhere") as raised,
        database.connection("analyst") as connection,
    ):
        connection.execute("SELECT * FROM nowhere")
    assert isinstance(raised.value.__cause__, psycopg.errors.UndefinedTable)
    with (
        pytest.raises(PrivacyRefusal, match="may not"),
        database.connection("reader") as connection,
    ):
        connection.execute("CREATE SCHEMA mine")
    with pytest.raises(IntegrityFailure), database.connection("ingest") as connection:
        connection.execute("CREATE TEMPORARY TABLE one (number integer PRIMARY KEY)")
        connection.execute("INSERT INTO one VALUES (1), (1)")


def test_a_statement_timeout_names_the_limit(empty_database: AnalyticsConfig) -> None:
    hasty = empty_database.replace(database={"statement_timeout_seconds": 1})
    with (
        Database(hasty) as database,
        pytest.raises(InvalidInput, match="time limit of 1 s"),
        database.connection("query") as connection,
    ):
        connection.execute("SELECT pg_sleep(60)")


def test_an_unknown_role_is_refused_with_the_nearest(database: Database) -> None:
    misspelt: Any = "analist"
    with (
        pytest.raises(InvalidInput, match="did you mean 'analyst'"),
        database.connection(misspelt),
    ):
        pass


def test_busy_connections_are_unavailable(empty_database: AnalyticsConfig) -> None:
    tight = empty_database.replace(
        database={"pool": {"min": 1, "max": 1, "connection_timeout_millis": 200}}
    )
    with (
        Database(tight) as database,
        database.connection("reader"),
        pytest.raises(Unavailable, match="all 1 connections of role 'reader'"),
        database.connection("reader"),
    ):
        pass


def test_a_connection_that_the_server_cut_is_not_handed_out_again(database: Database) -> None:
    with database.connection("owner") as connection:
        number = connection.info.backend_pid
    with database.superuser_connection() as superuser:
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
    with database.connection("owner") as connection:
        assert connection.info.backend_pid != number


def test_a_connection_cut_in_the_middle_is_unavailable_and_the_next_one_works(
    database: Database,
) -> None:
    with pytest.raises(Unavailable), database.connection("owner") as connection:
        with database.superuser_connection() as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid]
            )
        connection.execute("SELECT 1")
    with database.connection("owner") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_the_pool_survives_a_server_that_ends_in_the_middle(
    fresh_home: Path, found_server: FoundServer, kind: signal.Signals
) -> None:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    with Database(config) as database:
        provision(config)
        with database.connection("owner") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        [server] = server_numbers(config.home)
        with pytest.raises(Unavailable), database.connection("owner") as connection:
            os.kill(server, kind)
            while True:
                connection.execute("SELECT pg_sleep(0.01)")
        with database.connection("owner") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    wait_until(lambda: nothing_is_left(config.home))


def test_several_databases_of_one_process_share_the_server(
    fresh_home: Path, found_server: FoundServer
) -> None:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    with Database(config) as first:
        provision(config)
        with Database(config):
            pass
        with first.connection("reader") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert len(server_numbers(config.home)) == 1
    wait_until(lambda: nothing_is_left(config.home))


def test_a_closed_database_opens_again(database: Database) -> None:
    database.close()
    with database.connection("reader") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_child_uses_connections_of_its_own(empty_database: AnalyticsConfig) -> None:
    database = Database(empty_database.replace(database={"pool": {"min": 1, "max": 1}}))
    with database.connection("reader") as connection:
        parents = connection.info.backend_pid
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with database.connection("reader") as connection:
            os.write(writing, str(connection.info.backend_pid).encode())
        database.close()
        os._exit(0)
    os.close(writing)
    assert os.waitpid(child, 0)[1] == 0
    with os.fdopen(reading) as told:
        assert int(told.read()) != parents
    with database.connection("reader") as connection:
        assert connection.info.backend_pid == parents
    database.close()


def test_threads_share_one_pool(database: Database) -> None:
    answers: list[object] = []

    def ask() -> None:
        with database.connection("query") as connection:
            answers.append(connection.execute("SELECT 1").fetchone())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(1,)] * 16


def test_a_home_without_logins_says_to_run_init(
    fresh_home: Path, found_server: FoundServer
) -> None:
    config = AnalyticsConfig.load({}, home=fresh_home, pg_bin=found_server.bin_folder)
    with (
        Database(config) as database,
        pytest.raises(ConfigurationError, match="init"),
        database.connection("reader"),
    ):
        pass


def test_a_server_that_is_not_there_is_unavailable(server: TemporaryServer) -> None:
    login = {"username": "ioc_reader", "password": "any"}
    config = AnalyticsConfig.load(
        {},
        home=server.home,
        database={
            "host": "127.0.0.1",
            "port": 1,
            "logins": {"reader": login},
            "pool": {"connection_timeout_millis": 200},
        },
    )
    with (
        Database(config) as database,
        pytest.raises(Unavailable, match="no connection"),
        database.connection("reader"),
    ):
        pass


def test_an_advisory_lock_keeps_others_out_until_its_end(database: Database) -> None:
    with database.connection("owner") as one, database.connection("owner") as other:
        with advisory_lock(one, "work"):
            with pytest.raises(Unavailable, match="work"), advisory_lock(other, "work", wait=False):
                pass
            with advisory_lock(other, "other work", wait=False):
                pass
        with (
            advisory_lock(other, "work", shared=True, wait=False),
            advisory_lock(one, "work", shared=True, wait=False),
        ):
            pass


def test_an_advisory_lock_is_given_back_after_a_failed_statement(database: Database) -> None:
    with database.connection("owner") as one, database.connection("owner") as other:
        with pytest.raises(psycopg.errors.UndefinedTable), advisory_lock(one, "work"):
            one.execute("SELECT * FROM nowhere")
        with advisory_lock(other, "work", wait=False):
            pass


def test_a_transaction_lock_ends_with_its_transaction(database: Database) -> None:
    with database.connection("owner") as one, database.connection("owner") as other:
        transaction_lock(one, "work")
        with pytest.raises(Unavailable), advisory_lock(other, "work", wait=False):
            pass
        one.commit()
        with advisory_lock(other, "work", wait=False):
            pass


def test_the_server_of_another_process_is_found_by_its_lease(server: TemporaryServer) -> None:
    again = acquire_server(server.home, server.pg_bin)
    assert (again.host, again.port) == (server.lease.host, server.lease.port)
    again.release()
