"""Databases that nobody may enter until they are whole: where a restore works.

For: restores and drills. Not for: the platform's database as such (``database.logins``).

A database under restore bears a mark (its comment) and admits its owner only. It gets its final
name and its rights last, so a restore that was killed leaves something marked, which the next one
removes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ioc_analytics.database.logins import connect_as_administrator, database_statements
from ioc_analytics.database.servers import Address
from ioc_analytics.database.translation import translated_errors

MARK = "ioc-analytics: under restore"
_MAINTENANCE = "postgres"

Connection = psycopg.Connection[Any]


@contextmanager
def maintenance(address: Address) -> Iterator[Connection]:
    """Lend an administrator's connection beside the databases that are made and dropped."""
    with translated_errors(), connect_as_administrator(address, _MAINTENANCE) as connection:
        yield connection


def administrator_conninfo(address: Address, database: str) -> str:
    """Return the administrator's connection string for one database."""
    return make_conninfo(
        **address.login_parameters(address.administrator, address.password, database)
    )


def make_closed(address: Address, name: str) -> None:
    """Make an empty database that admits nobody; one of that name is dropped before."""
    drop(address, name)
    with maintenance(address) as connection:
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} OWNER ioc_owner TEMPLATE template0 ENCODING 'UTF8'"
                " LC_COLLATE 'C' LC_CTYPE 'C'"
            ).format(sql.Identifier(name))
        )
        connection.execute(
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
        )
        _comment(connection, name, MARK)


def drop(address: Address, name: str) -> None:
    """Drop a database if it exists, whoever is connected."""
    with maintenance(address) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def exists(address: Address, name: str) -> bool:
    """Return whether there is a database of that name."""
    with maintenance(address) as connection:
        statement = "SELECT 1 FROM pg_database WHERE datname = %s"
        return connection.execute(statement, [name]).fetchone() is not None


def publish(address: Address, name: str, target: str, *, replaces: bool) -> None:
    """Give a closed database its final name, and let the platform's logins in.

    All of it after the drop is one transaction, so the name never stands for a database that is
    closed.

    Args:
        address: The server.
        name: The closed database.
        target: Its final name.
        replaces: Drop the one of that name before: the caller holds it empty.

    Raises:
        InvalidInput: There is one of that name, and it is not to be replaced.
    """
    if replaces:
        drop(address, target)
    with maintenance(address) as connection, connection.transaction():
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(name), sql.Identifier(target)
            )
        )
        for statement in database_statements(target):
            connection.execute(statement)
        _comment(connection, target, None)


def _comment(connection: Connection, name: str, text: str | None) -> None:
    connection.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(text))
    )
