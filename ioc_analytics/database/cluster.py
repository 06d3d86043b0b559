"""The embedded server's files: a data folder, its configuration, what is left of a crash.

For: ``database.embedded``. Not for: leases and starting (there), or schema objects.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from ioc_analytics.database.accounts import Account
from ioc_analytics.database.binaries import Binaries
from ioc_analytics.kernel.errors import ConfigurationError, Unavailable

SUPERUSER = "ioc_superuser"
SOCKET_PORT = 5432
"""Only a part of the socket's name: the server opens no network port, so none can be in use."""

SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
CONFIGURATION_NAME = "ioc_analytics.conf"
STATISTICS = "pg_stat_statements"
ARCHIVE_CONFIGURATION = "ioc_archive.conf"
RECOVERY_CONFIGURATION = "ioc_recovery.conf"
"""Included where they exist: where the log is archived, and up to where it is replayed."""

HBA = f"local all all scram-sha-256\nlocal replication {SUPERUSER} scram-sha-256\n"
"""Who may connect: everybody with a password, by the socket alone."""

_FORMER_HBA = "local all all scram-sha-256\n"
"""Of homes made before there were physical backups."""

_MIB = 1024**2
_GIB = 1024**3
_INITDB_TIMEOUT_SECONDS = 300
_SMALL_BUFFERS_BYTES = 16 * _MIB
_ENOUGH_SHARED_BYTES = 256 * _MIB
_POLL_SECONDS = 0.05
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - only asked for its size, never written to
_SHOWN_LOG_LINES = 8


@dataclass(frozen=True, slots=True)
class Cluster:
    """One data folder with what belongs to it, all below a folder of mode 700."""

    folder: Path
    """The folder around ``data`` and ``log``, owned by the server's account."""

    account: Account
    """The account that runs the server."""

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def log_folder(self) -> Path:
        """Folder of the server's log files, at most ten of 10 MB."""
        return self.folder / "log"

    @property
    def console(self) -> Path:
        """What the server said before its log was open; made anew at each start."""
        return self.folder / "console.log"

    @property
    def major(self) -> int | None:
        """Major version that made the data folder; None before there is one."""
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def is_ready(self) -> bool:
        """Return whether the server lives and its status file says that it takes connections."""
        lines = self._status_lines()
        is_said = len(lines) > 7 and lines[7].strip() == "ready"
        return is_said and psutil.pid_exists(int(lines[0]))

    def last_log_lines(self) -> str:
        """Return the end of what the server said, for an error's text."""
        logs = [*sorted(self.log_folder.glob("server-*.log"))[-1:], self.console]
        for path in logs:
            with contextlib.suppress(OSError):
                lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                if any("FATAL" in line or "PANIC" in line or "cannot" in line for line in lines):
                    return "\n".join(lines[-_SHOWN_LOG_LINES:])
        with contextlib.suppress(OSError):
            return self.console.read_text(encoding="utf-8", errors="replace").strip()
        return ""

    def end_leftovers(self, timeout_seconds: float) -> None:
        """Stop server processes that no keeper watches, and remove a stale status file.

        They are what a crash leaves: a server whose keeper was killed, or single connections
        whose server was. A process belongs to this cluster when it is PostgreSQL's and works in
        the data folder; the number in the status file alone may by now be anybody's.

        Raises:
            Unavailable: They did not end in time.
        """
        started = time.monotonic()
        for kind, share in ((signal.SIGINT, 0.7), (signal.SIGQUIT, 0.9), (signal.SIGKILL, 1.0)):
            server = self._server_number()
            for process in self._processes():
                # A fast stop is asked of the server alone; it ends its connections itself.
                if kind != signal.SIGINT or process.pid == server:
                    with contextlib.suppress(psutil.Error):
                        process.send_signal(kind)
            while self._processes():
                if time.monotonic() > started + share * timeout_seconds:
                    break
                time.sleep(_POLL_SECONDS)
            else:
                (self.data / "postmaster.pid").unlink(missing_ok=True)
                return
        raise Unavailable(f"a server left over from a crash in {self.data} does not end")

    def _status_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _server_number(self) -> int | None:
        lines = self._status_lines()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def _processes(self) -> list[psutil.Process]:
        data = os.path.realpath(self.data)
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                is_postgres = process.name().startswith(("postgres", "postmaster"))
                if is_postgres and process.cwd() == data and process.status() != "zombie":
                    found.append(process)
        return found


def initialize(cluster: Cluster, binaries: Binaries, password: str) -> None:
    """Make the data folder: UTF-8, collation C, checksums, passwords for everybody.

    It is made beside its place and then moved, so a start that is killed leaves nothing half done;
    the name is new each time, because the ``initdb`` of a killed start may still be writing.

    Raises:
        ConfigurationError: ``initdb`` failed; its last lines are in the message.
    """
    for left in cluster.folder.glob("data.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    fresh = cluster.folder / f"data.new-{secrets.token_hex(4)}"
    password_file = cluster.folder / "password"
    password_file.touch(mode=0o600)
    try:
        password_file.write_text(password, encoding="ascii")
        cluster.account.give(password_file)
        command = [
            str(binaries.program("initdb")),
            *("--pgdata", str(fresh), "--username", SUPERUSER, "--pwfile", str(password_file)),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--data-checksums"),
        ]
        _run_initdb(command, cluster.account)
    finally:
        password_file.unlink(missing_ok=True)
    _write(cluster, fresh / "pg_hba.conf", HBA)
    with (fresh / "postgresql.conf").open("a", encoding="utf-8") as lines:
        lines.write(f"\ninclude = '{CONFIGURATION_NAME}'\n")
    fresh.rename(cluster.data)


def configure(cluster: Cluster, binaries: Binaries, socket_folder: Path, *, is_small: bool) -> None:
    """Write the settings that this server starts with; they follow the machine at each start.

    Args:
        cluster: The data folder.
        binaries: The programs that it is started from.
        socket_folder: Folder of mode 700 for the socket.
        is_small: Ask for as little shared memory as works, after more was refused.
    """
    cluster.log_folder.mkdir(mode=0o700, exist_ok=True)
    cluster.account.give(cluster.log_folder)
    _write(cluster, cluster.console, "")
    buffers = _SMALL_BUFFERS_BYTES if is_small else min(memory_bytes() // 8, _GIB)
    free_disk = shutil.disk_usage(cluster.data).free
    write_ahead = max(min(4 * _GIB, free_disk // 8), 128 * _MIB)
    settings = {
        "listen_addresses": "",
        "port": str(SOCKET_PORT),
        "unix_socket_directories": '"' + str(socket_folder).replace('"', '""') + '"',
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": "100" if is_small else "200",
        "max_locks_per_transaction": "512",
        "shared_buffers": f"{max(buffers // _MIB, 16)}MB",
        "shared_memory_type": "mmap",
        "dynamic_shared_memory_type": _dynamic_memory_type(),
        "max_wal_size": f"{write_ahead // _MIB}MB",
        "wal_level": "replica",
        # On from the start, so that archiving begins without a restart once a folder is named.
        "archive_mode": "on",
        "archive_command": "true",
        "archive_timeout": "5min",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "jit": "off",
        # Times per statement, with constants replaced: advice on slow ones stands on them.
        "shared_preload_libraries": STATISTICS if binaries.has_library(STATISTICS) else "",
        "TimeZone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "../log",
        "log_filename": "server-%Y%m%d-%H%M%S.log",
        "log_file_mode": "0600",
        "log_rotation_size": "10MB",
        "log_rotation_age": "1d",
        "log_min_messages": "warning",
        # No statement and no parameter in the log: they may hold what identifies a person.
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
    }
    heading = "# Written at each start; use ALTER SYSTEM for settings of your own.\n"
    included = (ARCHIVE_CONFIGURATION, RECOVERY_CONFIGURATION)
    includes = "".join(f"include_if_exists = '{name}'\n" for name in included)
    text = heading + setting_lines(settings) + includes
    _write(cluster, cluster.data / CONFIGURATION_NAME, text)
    hba = cluster.data / "pg_hba.conf"
    if hba.read_text(encoding="utf-8") == _FORMER_HBA:
        _write(cluster, hba, HBA)


def setting_lines(settings: Mapping[str, str]) -> str:
    """Return settings as lines of a configuration file."""
    quoted = {name: value.replace("'", "''") for name, value in settings.items()}
    return "".join(f"{name} = '{value}'\n" for name, value in quoted.items())


def memory_bytes() -> int:
    """Return the memory that this process may use: the machine's, or its container's if less."""
    limits = [psutil.virtual_memory().total]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii")))
    return min(limits)


def _dynamic_memory_type() -> str:
    # Containers often have 64 MB of /dev/shm, which a parallel query outgrows; files always work.
    try:
        status = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return "mmap"
    is_enough = status.f_bavail * status.f_frsize >= _ENOUGH_SHARED_BYTES
    return "posix" if is_enough and os.access(_SHARED_MEMORY, os.W_OK) else "mmap"


def _run_initdb(command: list[str], account: Account) -> None:
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_INITDB_TIMEOUT_SECONDS,
            cwd="/",
            env=SERVER_ENVIRONMENT,
            umask=0o077,
            check=True,
            text=True,
            start_new_session=True,
            **account.process_options(),
        )
    except subprocess.CalledProcessError as fault:
        lines = "\n".join(str(fault.stderr).strip().splitlines()[-_SHOWN_LOG_LINES:])
        raise ConfigurationError(
            f"the database could not be made: {command[0]} ended with {fault.returncode}\n{lines}"
        ) from fault
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise ConfigurationError(
            f"the database could not be made: {command[0]} as account {account.name}: {fault}"
        ) from fault


def _write(cluster: Cluster, path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    cluster.account.give(path)
