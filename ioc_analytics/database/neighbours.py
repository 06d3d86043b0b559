"""Databases of other programs, such as Dagster's own: apart from ours.

For: ``orchestration.instance``, backups, retention. Not for: the platform's database
(``database.logins``). On the embedded server such a database is made here; on a real one an
administrator makes it, and the settings name it.
"""

import secrets
from typing import Final
from urllib.parse import quote, urlencode

from psycopg import sql
from psycopg.conninfo import make_conninfo

from ioc_analytics.database.filelocks import file_lock
from ioc_analytics.database.homefiles import read_json, write_private
from ioc_analytics.database.passwords import scram_verifier
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.errors import ConfigurationError

DAGSTER: Final = "dagster"
_LOCK_TIMEOUT_SECONDS: Final = 120


def neighbour_conninfo(database: Database, program: str) -> str | None:
    """Return the connection string of a program's own database; None where none is known.

    The address that the settings give comes first, then the database on the embedded server.
    """
    config = database.config
    if program == DAGSTER and config.database.dagster_url is not None:
        return config.database.dagster_url.get_secret_value()
    lease = database.open().lease
    if lease is None:
        return None
    name, login = f"{config.database.database}_{program}", f"ioc_{program}"
    password = read_json(config.home / "server" / f"{program}.json").get("password")
    with database.superuser_connection() as connection:
        statement = "SELECT 1 FROM pg_database WHERE datname = %s"
        is_there = connection.execute(statement, [name]).fetchone() is not None
    if not is_there or password is None:
        return None
    return make_conninfo(
        host=lease.host, port=lease.port, user=login, password=password, dbname=name
    )


def neighbour_url(database: Database, program: str) -> str:
    """Return the address of a program's own database and login, made at the first time.

    The database is named after the platform's (``ioc_analytics_dagster``); its login owns it and
    may enter no other one. The password is kept in a file of mode 600 under the home folder.

    Args:
        database: The platform's database, on the embedded server.
        program: Short name of the program, such as ``"dagster"``.

    Raises:
        ConfigurationError: The server is not ours.
    """
    config = database.config
    lease = database.open().lease
    if lease is None:
        raise ConfigurationError(
            f"the database of {program} is made on the embedded server only; on a real one let an "
            "administrator make it"
        )
    name, login = f"{config.database.database}_{program}", f"ioc_{program}"
    secret = config.home / "server" / f"{program}.json"
    with (
        file_lock(config.home / "server" / f"{program}.lock", _LOCK_TIMEOUT_SECONDS),
        database.superuser_connection() as connection,
    ):
        password = read_json(secret).get("password")
        if password is None:
            password = secrets.token_urlsafe(32)
            write_private(secret, {"username": login, "password": password})
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login]).fetchone()
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                sql.SQL("ALTER" if known else "CREATE"),
                sql.Identifier(login),
                scram_verifier(connection, login, password),
            )
        )
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [name]
        ).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(name), sql.Identifier(login)
                )
            )
        connection.execute(
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
        )
    place = urlencode({"host": lease.host, "port": lease.port})
    return f"postgresql://{login}:{quote(password)}@/{quote(name)}?{place}"
