"""Who connects for which role, and with which password.

For: ``database.pools`` and ``database.logins``. Not for: making the logins (``database.logins``).

Passwords made here are random and kept with mode 600 in ``logins.json`` of the home folder, by
server, so that a home that has used an embedded and a real server does not mix them up. Logins
that the settings give are never written anywhere.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import psycopg
from psycopg import sql

from ioc_analytics.database.homefiles import read_json, write_private
from ioc_analytics.database.servers import Address
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_values import LoginRole

ROLES: tuple[LoginRole, ...] = get_args(LoginRole)


@dataclass(frozen=True, slots=True)
class RoleLogin:
    """The login through which a role connects."""

    role: LoginRole
    """Role of the platform, such as ``analyst``."""

    username: str
    """Login on the server: ``ioc_<role>`` unless the settings name another."""

    password: str = field(repr=False)
    """Its password."""

    @property
    def role_name(self) -> str:
        """Name of the role in the database, to which rights are granted."""
        return f"ioc_{self.role}"

    @property
    def is_own(self) -> bool:
        """Whether role and login are one."""
        return self.username == self.role_name


def passwords_file(config: AnalyticsConfig) -> Path:
    """Return the file of mode 600 that keeps the passwords made here."""
    return config.home / "logins.json"


def role_login(config: AnalyticsConfig, role: LoginRole, server_key: str) -> RoleLogin:
    """Return the login of a role, from the settings or from the passwords made here.

    Raises:
        ConfigurationError: There is none yet.
    """
    known = known_logins(config, server_key).get(role)
    if known is None:
        raise ConfigurationError(
            f"the role {role!r} has no login yet: run `ioc-analytics init`, or set "
            f"ANALYTICS_DB_{role.upper()}_USER and ANALYTICS_DB_{role.upper()}_PASSWORD"
        )
    return known


def server_key(config: AnalyticsConfig, address: Address) -> str:
    """Return the name under which the passwords of this server are kept."""
    return "embedded" if config.is_embedded else address.key


def known_logins(config: AnalyticsConfig, key: str) -> dict[LoginRole, RoleLogin]:
    """Return the logins that are known so far: made here, or given by the settings."""
    kept = read_json(passwords_file(config)).get(key, {})
    known = {role: RoleLogin(role, f"ioc_{role}", kept[role]) for role in ROLES if role in kept}
    for role, login in config.database.logins.items():
        known[role] = RoleLogin(role, login.username, login.password.get_secret_value())
    return known


def make_passwords(config: AnalyticsConfig, key: str, roles: Iterable[LoginRole]) -> None:
    """Make and keep random passwords for roles that have none; the caller holds a lock."""
    passwords = read_json(passwords_file(config))
    fresh = {role: secrets.token_urlsafe(32) for role in roles}
    passwords[key] = passwords.get(key, {}) | fresh
    write_private(passwords_file(config), passwords)


def scram_verifier(
    connection: psycopg.Connection[Any], username: str, password: str
) -> sql.Literal:
    """Return what the server is told instead of a password, so that none stands in its log."""
    verifier = connection.pgconn.encrypt_password(
        password.encode(), username.encode(), b"scram-sha-256"
    )
    return sql.Literal(verifier.decode())
