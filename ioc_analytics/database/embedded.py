"""A PostgreSQL server of our own, shared by all processes of one home folder.

For: ``database.pools`` and ``database.logins``, when no server is named. Not for: real servers.
See: ``database.keeper`` (the process that stops it), ``database.cluster`` (its files),
``database.accounts`` (who runs it and where), ``database.binaries`` (what it runs from).

How it is shared. Each process that needs the server holds a *lease*: a shared lock on one file,
which the kernel drops when the process ends, however it ends. The server is the child of a small
*keeper* process, which waits for the exclusive lock of that file: it gets it when the last lease
has gone, and stops the server. Starting happens under a third lock, so of several processes that
start at once one starts and the others find a server. A server without a keeper (its keeper was
killed) is stopped and started anew by whoever asks next. No list of process numbers is kept: such
a list is wrong after the first ``kill -9``, and numbers are given out again.

Everything the lease needs is below ``home/server`` (mode 700): locks, the record of where the data
lie, the superuser's password (mode 600).
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from ioc_analytics.database import keeper
from ioc_analytics.database.accounts import (
    make_reachable,
    make_server_folder,
    server_account,
)
from ioc_analytics.database.binaries import Binaries, find_binaries
from ioc_analytics.database.cluster import (
    SERVER_ENVIRONMENT,
    SOCKET_PORT,
    SUPERUSER,
    Cluster,
    configure,
    initialize,
)
from ioc_analytics.database.filelocks import file_lock, is_locked, take_file_lock
from ioc_analytics.database.homefiles import (
    HomeFiles,
    make_server_files,
    read_json,
    write_private,
)
from ioc_analytics.kernel.errors import ConfigurationError, Unavailable

START_TIMEOUT_SECONDS = 300
"""How long a start may take: a crash recovery replays up to ``max_wal_size`` of changes."""

_STOP_TIMEOUT_SECONDS = 60
_POLL_SECONDS = 0.01
_LONGEST_SOCKET_PATH = 103
"""Bytes that every system takes for a socket's path; Linux takes 107."""

_MEMORY_REFUSALS = ("shared memory", "could not create semaphores", "Cannot allocate memory")


@dataclass(slots=True)
class _Held:
    """The one lease that this process holds on a home, and how many objects share it."""

    descriptor: int
    count: int = 0


@dataclass(frozen=True, slots=True)
class ServerLease:
    """The right to use the server; it runs at least until this is released."""

    home: Path
    """The home folder that the server belongs to."""

    host: str
    """Folder of the socket, as libpq's ``host``."""

    port: int
    """Number in the socket's name."""

    superuser: str
    """Name of the superuser."""

    password: str = field(repr=False)
    """Password of the superuser."""

    version: int
    """Major version of the server, such as 18."""

    bin_folder: Path
    """Folder of the server's programs, for ``pg_dump`` and the like."""

    data: Path
    """PostgreSQL's data folder."""

    pg_bin: Path | None
    """The programs that were asked for."""

    _is_released: threading.Event = field(repr=False, compare=False)
    _process: int = field(repr=False, compare=False)

    def conninfo(self, database: str = "postgres") -> str:
        """Return the superuser's connection string for one database."""
        return make_conninfo(
            host=self.host,
            port=self.port,
            user=self.superuser,
            password=self.password,
            dbname=database,
        )

    def revive(self) -> None:
        """Start the server again if it has ended under this lease, by a crash or a kill.

        Raises:
            ConfigurationError: It cannot be started.
            Unavailable: It did not come up in time.
        """
        _ensure_running(HomeFiles(self.home), self.pg_bin)

    def release(self) -> None:
        """Give the lease back; repeating it does no harm.

        The server stops once no lease of any process is left. In a process that was forked from
        the one that took the lease nothing happens: the lease is not its own.
        """
        if self._is_released.is_set() or self._process != os.getpid():
            return
        self._is_released.set()
        _registry.give_back(self.home)


class _Registry:
    """The leases of this process, one per home, whatever number of objects share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Path, _Held] = {}

    def take(self, home: Path, leases: Path) -> None:
        with self._lock:
            held = self._held.get(home)
            if held is None:
                timeout = _STOP_TIMEOUT_SECONDS * 2
                held = _Held(take_file_lock(leases, is_shared=True, timeout_seconds=timeout))
                self._held[home] = held
            held.count += 1

    def give_back(self, home: Path) -> None:
        with self._lock:
            held = self._held[home]
            held.count -= 1
            if held.count == 0:
                os.close(held.descriptor)
                del self._held[home]

    def forget(self) -> None:
        """Drop in a forked child what belongs to its parent, and begin anew."""
        self._lock = threading.Lock()
        for held in self._held.values():
            with contextlib.suppress(OSError):
                os.close(held.descriptor)
        self._held = {}


_registry = _Registry()
os.register_at_fork(after_in_child=_registry.forget)


def acquire_server(home: Path, pg_bin: Path | None = None) -> ServerLease:
    """Return a lease on the home's server, which is made and started if need be.

    Args:
        home: The installation's folder (``ANALYTICS_HOME``); made if it does not exist.
        pg_bin: Folder of PostgreSQL's programs, instead of the first that is found.

    Raises:
        ConfigurationError: The home cannot be written, no supported server was found, the data
            were made by another major version, or the server does not start.
        Unavailable: Another process has been starting or stopping the server for too long.

    Example:
        >>> lease = acquire_server(Path("/srv/ioc"))  # doctest: +SKIP
        >>> with psycopg.connect(lease.conninfo()) as connection:  # doctest: +SKIP
        ...     connection.execute("SELECT 1")
        >>> lease.release()  # doctest: +SKIP
    """
    files = HomeFiles(home.absolute())
    make_server_files(files)
    _registry.take(files.home, files.leases)
    try:
        record = _ensure_running(files, pg_bin)
        password = read_json(files.superuser)["password"]
    except BaseException:
        _registry.give_back(files.home)
        raise
    return ServerLease(
        home=files.home,
        host=record["socket_folder"],
        port=SOCKET_PORT,
        superuser=SUPERUSER,
        password=password,
        version=record["major"],
        bin_folder=Path(record["bin_folder"]),
        data=Path(record["folder"]) / "data",
        pg_bin=pg_bin,
        _is_released=threading.Event(),
        _process=os.getpid(),
    )


def discard_server(home: Path, timeout_seconds: float = _STOP_TIMEOUT_SECONDS) -> None:
    """Delete the home's database and all that belongs to it, also outside the home.

    Args:
        home: The installation's folder; its other content stays.
        timeout_seconds: How long to wait for the server to stop.

    Raises:
        Unavailable: The server is in use.
    """
    files = HomeFiles(home.absolute())
    if not files.folder.is_dir():
        return
    lease = take_file_lock(files.leases, is_shared=False, timeout_seconds=timeout_seconds)
    try:
        record = read_json(files.record)
        for name in ("folder", "socket_folder"):
            if name in record:
                shutil.rmtree(record[name], ignore_errors=True)
        shutil.rmtree(files.folder, ignore_errors=True)
    finally:
        os.close(lease)


def _ensure_running(files: HomeFiles, pg_bin: Path | None) -> dict[str, Any]:
    with file_lock(files.start_lock, START_TIMEOUT_SECONDS):
        record = read_json(files.record)
        if record:
            cluster = recorded_cluster(record)
            is_same = pg_bin is None or str(pg_bin) == record.get("pg_bin")
            if is_same and is_locked(files.keeper_lock) and _wait_until_ready(files, cluster):
                return record
        binaries = find_binaries(pg_bin)
        cluster = _prepared_cluster(files, binaries)
        if is_locked(files.keeper_lock) and _wait_until_ready(files, cluster):
            return record
        cluster.end_leftovers(_STOP_TIMEOUT_SECONDS)
        return _start(files, cluster, binaries, pg_bin)


def recorded_cluster(record: dict[str, Any]) -> Cluster:
    """Return the data folder that a home's record names.

    Raises:
        ConfigurationError: It is gone.
    """
    folder = Path(record["folder"])
    if not folder.is_dir():
        raise ConfigurationError(
            f"the database of this home was in {folder}, which is gone: bring it back, or delete "
            "server/server.json in the home folder to begin with an empty database"
        )
    return Cluster(folder, server_account(folder / "data"))


def _prepared_cluster(files: HomeFiles, binaries: Binaries) -> Cluster:
    record = read_json(files.record)
    if record:
        cluster = recorded_cluster(record)
    else:
        account = server_account(files.home / "postgres" / "data")
        cluster = Cluster(make_server_folder(files.home, account), account)
        write_private(files.record, {"folder": str(cluster.folder), "account": account.name})
    if cluster.major is None:
        password = secrets.token_urlsafe(32)
        write_private(files.superuser, {"username": SUPERUSER, "password": password})
        initialize(cluster, make_reachable(binaries, cluster.account), password)
    elif cluster.major != binaries.major:
        raise ConfigurationError(
            f"the database in {cluster.data} was made by PostgreSQL {cluster.major}, and "
            f"{binaries.folder} is PostgreSQL {binaries.version}: move them to it with "
            "`ioc-analytics backup upgrade`, or set ANALYTICS_PG_BIN to the bin folder of a "
            f"PostgreSQL {cluster.major}"
        )
    elif not files.superuser.is_file():
        raise ConfigurationError(
            f"{files.superuser}, the password of the database in {cluster.data}, is gone: bring "
            "it back from a copy of the home folder, or restore a backup into a new ANALYTICS_HOME"
        )
    return cluster


def _start(
    files: HomeFiles, cluster: Cluster, binaries: Binaries, pg_bin: Path | None
) -> dict[str, Any]:
    reachable = make_reachable(binaries, cluster.account)
    socket_folder = _make_socket_folder(files, cluster)
    record = {
        "folder": str(cluster.folder),
        "account": cluster.account.name,
        "socket_folder": str(socket_folder),
        "bin_folder": str(reachable.folder),
        "pg_bin": None if pg_bin is None else str(pg_bin),
        "major": reachable.major,
    }
    write_private(files.record, record)
    for is_small in (False, True):
        configure(cluster, reachable, socket_folder, is_small=is_small)
        _start_keeper(files, cluster, reachable)
        if _wait_until_ready(files, cluster):
            return record
        said = cluster.last_log_lines()
        if not any(refusal in said for refusal in _MEMORY_REFUSALS):
            break
    raise ConfigurationError(
        f"the server in {cluster.data} did not start, run by account {cluster.account.name} from "
        f"{reachable.folder}. It said:\n{said or '(nothing)'}"
    )


def _start_keeper(files: HomeFiles, cluster: Cluster, binaries: Binaries) -> None:
    account = cluster.account
    plan = {
        "command": [str(binaries.program("postgres")), "-D", str(cluster.data)],
        "user": None if account.is_own else account.uid,
        "group": None if account.is_own else account.gid,
        "environment": SERVER_ENVIRONMENT,
        "lease_file": str(files.leases),
        "keeper_file": str(files.keeper_lock),
        "console_file": str(cluster.console),
        "log_folder": str(cluster.log_folder),
    }
    # -I and -S: nothing from the caller's environment or site-packages gets into this process.
    subprocess.run(
        [sys.executable, "-I", "-S", str(Path(keeper.__file__)), json.dumps(plan)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=SERVER_ENVIRONMENT,
        start_new_session=True,
        timeout=START_TIMEOUT_SECONDS,
        check=True,
    )


def _wait_until_ready(files: HomeFiles, cluster: Cluster) -> bool:
    """Return whether the server takes connections; False when its keeper has ended."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if not is_locked(files.keeper_lock):
            return False
        if cluster.is_ready():
            return True
        time.sleep(_POLL_SECONDS)
    raise Unavailable(
        f"the server in {cluster.data} has not come up in {START_TIMEOUT_SECONDS} s; it may be "
        f"recovering from a crash, see {cluster.log_folder}, and try again"
    )


def _make_socket_folder(files: HomeFiles, cluster: Cluster) -> Path:
    former = read_json(files.record).get("socket_folder")
    if former is not None and not Path(former).is_relative_to(cluster.folder):
        shutil.rmtree(former, ignore_errors=True)
    folder = cluster.folder / "socket"
    if len(os.fsencode(folder / f".s.PGSQL.{SOCKET_PORT}")) > _LONGEST_SOCKET_PATH:
        # A random name that did not exist: nobody can have put a folder of their own there.
        folder = Path(tempfile.mkdtemp(prefix="ioc-", dir="/tmp"))
    folder.mkdir(mode=0o700, exist_ok=True)
    cluster.account.give(folder)
    return folder
