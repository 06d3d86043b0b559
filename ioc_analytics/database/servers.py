"""How to reach the database: address, encryption, and whether the server will do.

For: ``database.pools`` and ``database.logins``. Not for: starting a server (``database.embedded``)
or the logins themselves.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from ioc_analytics.database.binaries import NEWEST_MAJOR, OLDEST_MAJOR
from ioc_analytics.database.embedded import ServerLease
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig

ENOUGH_LOCKS = 512
_STRICT_SSL = "verify-full"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is, without a login."""

    parameters: dict[str, Any]
    """libpq's parameters: ``host``, ``port``, ``sslmode`` and so on, without name and login."""

    database: str
    """Name of the database."""

    administrator: str | None
    """Login that may set the installation up."""

    password: str | None
    """Its password; None leaves it to libpq (a password file, a certificate)."""

    @property
    def key(self) -> str:
        """Short name of the server, to tell the passwords of several apart."""
        return f"{self.parameters.get('host', '')}:{self.parameters.get('port', 5432)}"

    def login_parameters(
        self, username: str | None, password: str | None, database: str | None = None
    ) -> dict[str, Any]:
        """Return everything that ``psycopg.connect`` needs for one login."""
        login = {"user": username, "password": password}
        given = {name: value for name, value in login.items() if value is not None}
        return {**self.parameters, **given, "dbname": database or self.database}


def address_of(config: AnalyticsConfig, lease: ServerLease | None) -> Address:
    """Return where the database of these settings is.

    Args:
        config: The settings.
        lease: The lease on the embedded server; None for a real one.

    Raises:
        ConfigurationError: The address asks for less encryption than ``ssl`` demands.
    """
    settings = config.database
    if lease is not None:
        parameters = {"host": lease.host, "port": lease.port, "sslmode": "disable"}
        return Address(parameters, settings.database, lease.superuser, lease.password)
    if settings.url is not None:
        given = dict(conninfo_to_dict(settings.url.get_secret_value()))
        name = str(given.pop("dbname"))
        user, password = given.pop("user", None), given.pop("password", None)
    else:
        given = {"host": settings.host, "port": settings.port}
        name, user = settings.database, settings.username
        password = settings.password.get_secret_value() if settings.password else None
    secured = given | encryption(given, is_demanded=settings.ssl)
    return Address(
        secured,
        name,
        None if user is None else str(user),
        None if password is None else str(password),
    )


def encryption(parameters: dict[str, Any], *, is_demanded: bool) -> dict[str, str]:
    """Return the encryption parameters for an address.

    A remote server must prove its name (``verify-full``): ``prefer`` falls back to plain text in
    silence and ``require`` takes any certificate. A socket or the machine itself needs none.

    Raises:
        ConfigurationError: The address names a weaker mode although encryption is demanded.
    """
    hosts = [str(parameters.get(name) or "") for name in ("host", "hostaddr")]
    names = [name for host in hosts for name in host.split(",") if name]
    if not is_demanded or all(is_local(name) for name in names):
        return {}
    mode = parameters.get("sslmode", _STRICT_SSL)
    if mode != _STRICT_SSL:
        raise ConfigurationError(
            f"the address of the server says sslmode={mode}, which lets an impostor in; leave it "
            f"out for {_STRICT_SSL}, or set ANALYTICS_DB_SSL=false to go without proof"
        )
    secured = {"sslmode": _STRICT_SSL}
    if "channel_binding" not in parameters:
        secured["channel_binding"] = "require"
    if "sslrootcert" not in parameters and not _has_root_certificate():
        secured["sslrootcert"] = "system"
    return secured


def is_local(host: str) -> bool:
    """Return whether a host is this machine: a socket folder, ``localhost`` or a loopback address.

    Example:
        >>> [is_local(host) for host in ("/run/postgresql", "127.0.0.1", "::1", "db.example.org")]
        [True, True, True, False]
    """
    if host == "" or host[0] in "/@" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_server(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Return what an operator of this server should change, in sentences.

    Raises:
        ConfigurationError: The version is not supported.
    """
    version = connection.info.server_version
    if not OLDEST_MAJOR <= version // 10_000 <= NEWEST_MAJOR:
        raise ConfigurationError(
            f"the server is PostgreSQL {version // 10_000}; supported are {OLDEST_MAJOR} to "
            f"{NEWEST_MAJOR}. Name another one with ANALYTICS_DB_HOST"
        )
    row = connection.execute("SHOW max_locks_per_transaction").fetchone()
    locks = int(row[0]) if row else 0
    if locks < ENOUGH_LOCKS:
        return (
            f"max_locks_per_transaction is {locks}, and a statement over many month partitions "
            f"takes more: ALTER SYSTEM SET max_locks_per_transaction = {ENOUGH_LOCKS} and restart",
        )
    return ()


def _has_root_certificate() -> bool:
    defaults = {option.keyword: option.val for option in pq.Conninfo.get_defaults()}
    if defaults.get(b"sslrootcert"):
        return True
    return (Path.home() / ".postgresql" / "root.crt").is_file()
