"""Connections: one pool per role, opened when it is first asked for.

For: every room that talks to the database. Not for: making logins (``database.logins``) or
starting servers (``database.embedded``); this asks both.

Every connection has the UTC time zone, no just-in-time compilation (it costs 10 s of planning
over 660 partitions), the schema ``analytics`` and a statement timeout. A connection is tried
before it is handed out, so a restart of the server between two uses goes unnoticed.
"""

import math
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from ioc_analytics.database.embedded import ServerLease, acquire_server
from ioc_analytics.database.homefiles import HomeFiles
from ioc_analytics.database.logins import connect_as_administrator
from ioc_analytics.database.passwords import ROLES, role_login, server_key
from ioc_analytics.database.servers import Address, address_of
from ioc_analytics.database.translation import translate, translated_errors
from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_values import LoginRole
from ioc_analytics.kernel.suggestions import did_you_mean

Connection = psycopg.Connection[Any]
Pool = ConnectionPool[Connection]

# A pool that was opened before a fork has its threads and sockets in the parent; closing or even
# collecting it in the child would disturb both, so the child keeps it and never looks at it.
_parents_pools: list[dict[LoginRole, Pool]] = []


class Database:
    """The database of one installation, as seen by its roles.

    Example:
        >>> with Database(config) as database:  # doctest: +SKIP
        ...     with database.connection("analyst") as connection:
        ...         connection.execute("SELECT count(*) FROM anonymized_responses").fetchone()
    """

    def __init__(self, config: AnalyticsConfig) -> None:
        """Keep the settings; nothing is opened before the first use or :meth:`open`."""
        self.config = config
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._lease: ServerLease | None = None
        self._address: Address | None = None
        self._pools: dict[LoginRole, Pool] = {}

    def open(self) -> Self:
        """Start or join the embedded server; for a real one nothing happens yet.

        Raises:
            ConfigurationError: The settings do not lead to a server.
            Unavailable: The server did not come up in time.
        """
        self._located()
        return self

    def close(self) -> None:
        """Close all connections and give the server back; it may be opened again."""
        with self._lock:
            if self._process != os.getpid():
                self._leave_to_parent()
            for pool in self._pools.values():
                pool.close()
            self._pools = {}
            if self._lease is not None:
                self._lease.release()
            self._lease = self._address = None

    def __enter__(self) -> Self:
        """Open, as :meth:`open`."""
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, as :meth:`close`."""
        self.close()

    @property
    def is_there(self) -> bool:
        """Whether there may be a database: to ask a home that has none would make one."""
        return not self.config.is_embedded or HomeFiles(self.config.home).record.exists()

    @property
    def lease(self) -> ServerLease | None:
        """The lease on the embedded server; None for a real one or before :meth:`open`."""
        return self._lease

    @property
    def address(self) -> Address:
        """Where the database is; opens as :meth:`open` does."""
        return self._located()

    @contextmanager
    def connection(self, role: LoginRole) -> Iterator[Connection]:
        """Lend a connection of a role's login: commit at the end, roll back on an error.

        Raises:
            ConfigurationError: The role has no login, or the server refuses it.
            Unavailable: The server cannot be reached, or all connections are in use.
            InvalidInput: A statement in the block is wrong or ran into its time limit.
        """
        with ExitStack() as stack:
            stack.enter_context(translated_errors(self.config.database.statement_timeout_seconds))
            connection = self._borrowed(role)
            stack.callback(self._pool(role).putconn, connection)
            stack.enter_context(connection)  # commits or rolls back
            yield connection

    def connect(self, role: LoginRole) -> Connection:
        """Return a connection of a role's login outside the pool, for what lasts as long as it.

        Each statement commits; the caller closes it.

        Raises:
            ConfigurationError: The role has no login, or the server refuses it.
            Unavailable: The server cannot be reached.
        """
        seconds = math.ceil(self.config.database.pool.connection_timeout_millis / 1000)
        given = {"connect_timeout": seconds} | self._role_parameters(role)
        with translated_errors():
            return psycopg.connect(**given, autocommit=True)

    def conninfo(self, role: LoginRole) -> str:
        """Return the connection string of a role's login, for tools that connect themselves."""
        return make_conninfo(**self._role_parameters(role))

    def pool_figures(self) -> Mapping[str, int]:
        """Return what the pools of this process counted so far, added up over the roles."""
        with self._lock:
            counted = [pool.get_stats() for pool in self._pools.values()]
        return {
            name: sum(one.get(key, 0) for one in counted)
            for name, key in (
                ("requests", "requests_num"),
                ("waited", "requests_queued"),
                ("waited_milliseconds", "requests_wait_ms"),
                ("refused", "requests_errors"),
                ("connections", "pool_size"),
            )
        }

    @contextmanager
    def superuser_connection(self) -> Iterator[Connection]:
        """Lend a connection of the embedded server's superuser; each statement commits.

        Raises:
            ConfigurationError: The server is not ours.
        """
        address = self._located()
        if self._lease is None:
            raise ConfigurationError("only the embedded server has a superuser of ours")
        with translated_errors(), connect_as_administrator(address) as connection:
            yield connection

    def _located(self) -> Address:
        with self._lock:
            if self._process != os.getpid():
                self._leave_to_parent()
            if self._address is None:
                if self.config.is_embedded:
                    self._lease = acquire_server(self.config.home, self.config.pg_bin)
                self._address = address_of(self.config, self._lease)
            return self._address

    def _leave_to_parent(self) -> None:
        _parents_pools.append(self._pools)
        self._pools, self._lease, self._address = {}, None, None
        self._process = os.getpid()

    def _pool(self, role: LoginRole) -> Pool:
        with self._lock:
            self._located()
            if role not in self._pools:
                self._pools[role] = self._opened_pool(role)
            return self._pools[role]

    def _opened_pool(self, role: LoginRole) -> Pool:
        settings = self.config.database.pool
        timeout = settings.connection_timeout_millis / 1000
        return ConnectionPool(
            kwargs=self._role_parameters(role),
            name=f"ioc_{role}",
            min_size=settings.min,
            max_size=settings.max,
            timeout=timeout,
            max_idle=settings.idle_timeout_millis / 1000,
            # Attempts are given up soon: the next request begins anew at once, instead of waiting
            # for an attempt that has been put off further and further while the server was away.
            reconnect_timeout=timeout,
            check=ConnectionPool.check_connection,
            open=True,
        )

    def _role_parameters(self, role: LoginRole) -> dict[str, Any]:
        if role not in ROLES:
            raise InvalidInput(
                f"{role!r} is no role{did_you_mean(role, ROLES)}; roles are {', '.join(ROLES)}"
            )
        address = self._located()
        login = role_login(self.config, role, server_key(self.config, address))
        timeout_millis = self.config.database.statement_timeout_seconds * 1000
        options = {
            "TimeZone": "UTC",
            "jit": "off",
            "search_path": "analytics",
            "statement_timeout": str(timeout_millis),
        }
        if role == "owner" and not login.is_own:
            options["role"] = login.role_name  # what it makes must belong to the role
        return {
            **address.login_parameters(login.username, login.password),
            "application_name": f"ioc-analytics {role}",
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        }

    def _borrowed(self, role: LoginRole) -> Connection:
        pool = self._pool(role)
        try:
            return pool.getconn()
        except PoolTimeout as busy:
            fault = self._reason(role)
            if fault is not None:
                if self._lease is None:
                    raise translate(fault) from fault
                self._lease.revive()
            elif pool.get_stats()["pool_size"] >= pool.max_size:
                raise Unavailable(
                    f"all {pool.max_size} connections of role {role!r} were in use for "
                    f"{pool.timeout:g} s; try again, or raise database.pool.max"
                ) from busy
        # The server is there again; the attempts that it missed were put off, this one is not.
        return pool.getconn()

    def _reason(self, role: LoginRole) -> psycopg.Error | None:
        """Return why the server refuses the role; the pool itself only tells that time is up."""
        try:
            psycopg.connect(**self._role_parameters(role), connect_timeout=2).close()
        except psycopg.Error as fault:
            return fault
        return None
