"""The database and its logins: one per role, made once, checked at every start.

For: ``init``, ``migrate``, tests. Not for: what a role may see (``sql/roles``, granted by the
schema room), keeping passwords (``database.passwords``) or connections (``database.pools``).

Provisioning works as plan, apply, look again: what is missing is written as SQL, executed, and
planned once more. On a real server, where the login of the settings may not be allowed to do it,
the plan is what the error prints for the database administrator. Passwords are random, kept with
mode 600 in ``logins.json`` of the home folder, and reach the server only as SCRAM verifiers, so
they never stand in its log.

A role may be given another login by the settings (``ANALYTICS_DB_<ROLE>_USER``). The role
``ioc_<role>`` then exists without the right to log in, and the login is made an inheriting member.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import sql

from ioc_analytics.database.embedded import acquire_server
from ioc_analytics.database.filelocks import file_lock
from ioc_analytics.database.homefiles import make_home
from ioc_analytics.database.locks import advisory_lock
from ioc_analytics.database.passwords import (
    ROLES,
    RoleLogin,
    known_logins,
    make_passwords,
    passwords_file,
    scram_verifier,
    server_key,
)
from ioc_analytics.database.servers import Address, address_of, check_server
from ioc_analytics.database.translation import translate, translated_errors
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig

_MAINTENANCE_DATABASE = "postgres"
_LOCK_TIMEOUT_SECONDS = 120

_log = logging.getLogger(__name__)
Connection = psycopg.Connection[Any]


def provision(config: AnalyticsConfig) -> None:
    """Make the database, its roles and its logins, as far as they are not there.

    Safe to repeat, and from several processes at once.

    Raises:
        ConfigurationError: The settings' login may not do what is missing (the SQL to run is in
            the message), the server's version is not supported, or a login is another's.
        Unavailable: The server cannot be reached, or another process provisions for too long.
    """
    with ExitStack() as stack:
        lease = None
        if config.is_embedded:
            lease = acquire_server(config.home, config.pg_bin)
            stack.callback(lease.release)
        else:
            make_home(config.home)
        stack.enter_context(file_lock(config.home / "provision.lock", _LOCK_TIMEOUT_SECONDS))
        stack.enter_context(translated_errors())
        address = address_of(config, lease)
        connection = stack.enter_context(maintenance_connection(address))
        for advice in check_server(connection):
            _log.warning(advice)
        with advisory_lock(connection, "provision"):
            _provision(config, address, connection)


def _provision(config: AnalyticsConfig, address: Address, connection: Connection) -> None:
    logins = _complete_logins(config, address, connection)
    _apply(connection, lambda: _missing_roles(connection, logins), "roles and logins")
    _apply(connection, lambda: _missing_database(connection, address), "database")
    with connect_as_administrator(address) as inside:
        _apply(inside, lambda: _missing_rights(inside, address, logins), "rights")
    for login in logins:
        _check_login(address, connection, login)
    if config.is_embedded:
        _keep_statistics(connection)


def _keep_statistics(connection: Connection) -> None:
    # Beside the platform's database, whose backups must not depend on an extension.
    available = "SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements'"
    if connection.execute(available).fetchone() is not None:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def database_statements(database: str) -> list[sql.Composed]:
    """Return what a new database needs so that only the platform's logins may enter it.

    A copy made with ``TEMPLATE`` takes along what is inside a database, not these rights.
    """
    name = sql.Identifier(database)
    roles = sql.SQL(", ").join(sql.Identifier(f"ioc_{role}") for role in ROLES)
    return [
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name),
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, roles),
        sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(name, sql.Identifier("ioc_ingest")),
    ]


def copy_database(connection: Connection, source: str, copy: str, strategy: str) -> None:
    """Make a database as a copy of another one that nobody is connected to.

    Args:
        connection: A superuser's connection to neither of them.
        source: Name of the database to copy.
        copy: Name of the new one.
        strategy: ``wal_log`` or ``file_copy``, see CREATE DATABASE.
    """
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER ioc_owner TEMPLATE {} STRATEGY {}").format(
            sql.Identifier(copy), sql.Identifier(source), sql.Identifier(strategy)
        )
    )
    for statement in database_statements(copy):
        connection.execute(statement)


@contextmanager
def connect_as_administrator(address: Address, database: str | None = None) -> Iterator[Connection]:
    """Open a connection of the login that sets the installation up; each statement commits."""
    parameters = address.login_parameters(address.administrator, address.password, database)
    with psycopg.connect(**parameters, autocommit=True) as connection:
        yield connection


@contextmanager
def maintenance_connection(address: Address) -> Iterator[Connection]:
    """Open the administrator's connection to the database that every server has."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(
                connect_as_administrator(address, _MAINTENANCE_DATABASE)
            )
        except psycopg.OperationalError:
            # Some hosts let a login into its own database only.
            connection = stack.enter_context(connect_as_administrator(address))
        yield connection


def _missing_roles(connection: Connection, logins: list[RoleLogin]) -> list[sql.Composed]:
    existing = _roles(connection)
    statements = []
    for login in logins:
        role = sql.Identifier(login.role_name)
        if login.role_name not in existing:
            if login.is_own:
                # Memberships lend no rights, but for the owner: on PostgreSQL 15 the owner of a
                # database owns its schema public by inheritance.
                inheritance = "INHERIT" if login.role == "owner" else "NOINHERIT"
                statements.append(_create_login(connection, login, inheritance))
            else:
                statements.append(sql.SQL("CREATE ROLE {} NOLOGIN INHERIT").format(role))
        if not login.is_own:
            if login.username not in existing:
                statements.append(_create_login(connection, login, "INHERIT"))
            if not _inherits(connection, login, existing):
                member = sql.Identifier(login.username)
                statements.append(sql.SQL("ALTER ROLE {} INHERIT").format(member))
                statements.append(sql.SQL("GRANT {} TO {}").format(role, member))
    owner = "ioc_owner"
    if owner not in existing or not _may_act_as(connection, owner):
        statements.append(
            sql.SQL("GRANT {} TO {}").format(
                sql.Identifier(owner), sql.Identifier(connection.info.user)
            )
        )
    return statements


def _missing_database(connection: Connection, address: Address) -> list[sql.Composed]:
    row = connection.execute(
        "SELECT pg_encoding_to_char(d.encoding), d.datcollate, r.rolname FROM pg_database AS d"
        " INNER JOIN pg_roles AS r ON r.oid = d.datdba WHERE d.datname = %s",
        [address.database],
    ).fetchone()
    name = sql.Identifier(address.database)
    if row is None:
        return [
            sql.SQL(
                "CREATE DATABASE {} OWNER ioc_owner TEMPLATE template0 ENCODING 'UTF8'"
                " LC_COLLATE 'C' LC_CTYPE 'C'"
            ).format(name)
        ]
    encoding, collation, owner = row
    if encoding != "UTF8" or collation not in ("C", "POSIX"):
        raise ConfigurationError(
            f"database {address.database!r} has encoding {encoding} and collation {collation}; "
            "UTF8 and C are needed, so that text sorts alike on every server. Name another "
            "database with ANALYTICS_DB_NAME, or drop this one if it is empty"
        )
    if owner != "ioc_owner":
        return [sql.SQL("ALTER DATABASE {} OWNER TO ioc_owner").format(name)]
    return []


def _missing_rights(
    inside: Connection, address: Address, logins: list[RoleLogin]
) -> list[sql.Composed]:
    row = inside.execute(
        "SELECT has_database_privilege('public', current_database(), 'CONNECT')"
        " OR has_database_privilege('public', current_database(), 'TEMPORARY')"
        " OR NOT bool_and(has_database_privilege(name, current_database(), 'CONNECT'))"
        " OR NOT has_database_privilege('ioc_ingest', current_database(), 'TEMPORARY'),"
        " to_regnamespace('public') IS NOT NULL AND has_schema_privilege('public',"
        " COALESCE(to_regnamespace('public'), 'pg_catalog'::regnamespace), 'USAGE')"
        " FROM unnest(%s::text []) AS name",
        [[login.role_name for login in logins]],
    ).fetchone()
    is_open, is_public_open = row if row else (True, True)
    statements = database_statements(address.database) if is_open else []
    if is_public_open:
        statements.append(sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC").format())
    return statements


def _apply(connection: Connection, plan: Any, what: str) -> None:
    """Execute what is missing, then look whether it still is."""
    statements: list[sql.Composed] = plan()
    cause: psycopg.Error | None = None
    try:
        for statement in statements:
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as fault:
        cause = fault
    left = plan() if statements else []
    if left:
        script = ";\n".join(_printable(statement, connection) for statement in left)
        raise ConfigurationError(
            f"the login {connection.info.user!r} may not set up the {what}"
            f"{f' ({cause.diag.message_primary})' if cause else ''}. Let an administrator of the "
            f"server run this, with passwords of their own, and try again:\n\n{script};"
        ) from cause


def _printable(statement: sql.Composed, connection: Connection) -> str:
    text = statement.as_string(connection)
    head, mark, _ = text.partition(" PASSWORD ")
    return f"{head} PASSWORD '...'" if mark else text


def _create_login(connection: Connection, login: RoleLogin, inheritance: str) -> sql.Composed:
    return sql.SQL("CREATE ROLE {} LOGIN {} NOCREATEDB NOCREATEROLE PASSWORD {}").format(
        sql.Identifier(login.username),
        sql.SQL(inheritance),
        scram_verifier(connection, login.username, login.password),
    )


def _roles(connection: Connection) -> dict[str, bool]:
    rows = connection.execute("SELECT rolname, rolsuper FROM pg_roles").fetchall()
    return {str(name): bool(is_superuser) for name, is_superuser in rows}


def _inherits(connection: Connection, login: RoleLogin, existing: dict[str, bool]) -> bool:
    if login.username not in existing or login.role_name not in existing:
        return False
    row = connection.execute(
        "SELECT pg_has_role(%s, %s, 'USAGE')", [login.username, login.role_name]
    ).fetchone()
    return bool(row and row[0])


def _may_act_as(connection: Connection, role: str) -> bool:
    row = connection.execute("SELECT pg_has_role(%s, 'USAGE')", [role]).fetchone()
    return bool(row and row[0])


def _check_login(address: Address, connection: Connection, login: RoleLogin) -> None:
    """See that a login can connect; give it its password again when it cannot."""
    parameters = address.login_parameters(login.username, login.password)
    try:
        psycopg.connect(**parameters).close()
    except psycopg.OperationalError:
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(login.username),
            scram_verifier(connection, login.username, login.password),
        )
        _apply_password(connection, statement, login)
        try:
            psycopg.connect(**parameters).close()
        except psycopg.OperationalError as fault:
            raise translate(fault) from fault


def _apply_password(connection: Connection, statement: sql.Composed, login: RoleLogin) -> None:
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as fault:
        raise ConfigurationError(
            f"the login {login.username!r} cannot connect with the password that is known here, "
            f"and {connection.info.user!r} may not change it: set "
            f"ANALYTICS_DB_{login.role.upper()}_PASSWORD, or let an administrator run\n\n"
            f"{_printable(statement, connection)};"
        ) from fault


def _complete_logins(
    config: AnalyticsConfig, address: Address, connection: Connection
) -> list[RoleLogin]:
    """Return the login of every role, after making and keeping the passwords that are missing."""
    key = server_key(config, address)
    known = known_logins(config, key)
    existing = _roles(connection)
    missing = [role for role in ROLES if role not in known]
    taken = [f"ioc_{role}" for role in missing if f"ioc_{role}" in existing]
    if taken and not config.is_embedded:
        # A new password would lock out the installation that made these logins.
        raise ConfigurationError(
            f"the server has the logins {', '.join(taken)} already, and their passwords are not "
            f"in {passwords_file(config)}: copy that file from the home folder of the "
            "installation that made them, or set ANALYTICS_DB_<ROLE>_PASSWORD for each"
        )
    if missing:
        make_passwords(config, key, missing)
        known = known_logins(config, key)
    for login in known.values():
        if login.role != "owner" and existing.get(login.username):
            raise ConfigurationError(
                f"the login {login.username!r} of role {login.role!r} is a superuser, which no "
                "right holds back: ALTER ROLE ... NOSUPERUSER, or name another login"
            )
    return [known[role] for role in ROLES]
