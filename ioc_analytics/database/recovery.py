"""A base backup becomes the data of a new home, and its server replays the log up to a point.

For: physical backups (``backup.physical``). Not for: choosing backup and point.

Until :func:`open_to_all` the server admits its superuser only. A home that is being recovered bears
the file ``restoring``; what a killed recovery left is removed by the next one.
"""

import os
import re
import secrets
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ioc_analytics.database.accounts import Account, make_server_folder, server_account
from ioc_analytics.database.cluster import (
    ARCHIVE_CONFIGURATION,
    CONFIGURATION_NAME,
    HBA,
    RECOVERY_CONFIGURATION,
    SUPERUSER,
    Cluster,
    setting_lines,
)
from ioc_analytics.database.embedded import (
    ServerLease,
    acquire_server,
    discard_server,
    recorded_cluster,
)
from ioc_analytics.database.homefiles import (
    HomeFiles,
    make_home,
    make_server_files,
    read_json,
    write_private,
)
from ioc_analytics.database.passwords import scram_verifier
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput

_MARK: Final = "restoring"
_UNREACHED: Final = "recovery ended before configured recovery target was reached"
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a server are laid that will recover."""

    draft: Path
    """Empty folder to write the data into."""

    data: Path
    """Where the draft will be when the server starts."""

    wal: Path
    """Empty folder for segments of the log."""

    account: Account
    """The account that will run the server."""


Writer = Callable[[Place], str]
"""Writes the data, and returns the server's ``restore_command``, which fetches the log."""


def copy_command(wal: Path) -> str:
    """Return the ``restore_command`` that takes the log from a folder."""
    # %f and %p are the server's; a path that is quoted for the shell keeps its own signs.
    return f"cp {shlex.quote(str(wal)).replace('%', '%%')}/%f %p"


def lay_out(home: Path, write: Writer, target: Mapping[str, str], superuser: str) -> None:
    """Write a base backup into a new home, so that the first start of its server recovers it.

    Args:
        home: The new home.
        write: Writes the data.
        target: Settings that name the point, such as ``recovery_target_time``.
        superuser: The superuser that the data know.

    Raises:
        InvalidInput: The home has a database already.
    """
    if not _PLAIN_NAME.fullmatch(superuser):
        raise InvalidInput(f"the superuser of the backed up server has an odd name: {superuser!r}")
    files = _begin(home)
    try:
        _fill(files, write, target, superuser)
    except BaseException:
        discard_server(home)  # what was begun here: a home with a database was refused before
        raise


def _fill(files: HomeFiles, write: Writer, target: Mapping[str, str], superuser: str) -> None:
    account = server_account()
    cluster = Cluster(make_server_folder(files.home, account), account)
    write_private(files.record, {"folder": str(cluster.folder), "account": account.name})
    password = secrets.token_urlsafe(32)
    write_private(files.superuser, {"username": SUPERUSER, "password": password})
    wal, draft = cluster.folder / "wal", cluster.folder / "data.new"
    for folder in (wal, draft):
        folder.mkdir(mode=0o700)
        account.give(folder)
    restore_command = write(Place(draft, cluster.data, wal, account))
    _configure(draft, {"restore_command": restore_command, **target}, superuser)
    for folder in (wal, draft):
        folder.chmod(0o700)
        for path in (folder, *folder.rglob("*")):
            account.give(path)
    draft.rename(cluster.data)


def recover(home: Path, pg_bin: Path, superuser: str) -> ServerLease:
    """Start the server of a laid out home, which recovers, and give it the home's password.

    Raises:
        InvalidInput: The log ends before the point that was asked for.
        ConfigurationError: It does not start; its last words are given.
    """
    try:
        lease = acquire_server(home, pg_bin)
    except ConfigurationError as fault:
        if _UNREACHED in str(fault):
            raise InvalidInput(
                "the write-ahead log that is here ends before the moment that was asked for: name "
                "an earlier one, or `latest`"
            ) from fault
        raise
    try:
        conninfo = make_conninfo(
            host=lease.host, port=lease.port, user=superuser, dbname="postgres"
        )
        with translated_errors(), psycopg.connect(conninfo, autocommit=True) as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", [SUPERUSER]
            ).fetchone()
            connection.execute(
                sql.SQL("{} ROLE {} SUPERUSER LOGIN PASSWORD {}").format(
                    sql.SQL("ALTER" if known else "CREATE"),
                    sql.Identifier(SUPERUSER),
                    scram_verifier(connection, SUPERUSER, lease.password),
                )
            )
    except BaseException:
        lease.release()
        raise
    return lease


def open_to_all(home: Path, lease: ServerLease) -> None:
    """Let everybody in who has a login; the home is whole from now on."""
    cluster = recorded_cluster(read_json(HomeFiles(home).record))
    (cluster.data / "pg_hba.conf").write_text(HBA, encoding="utf-8")
    (cluster.data / RECOVERY_CONFIGURATION).unlink(missing_ok=True)
    shutil.rmtree(cluster.folder / "wal", ignore_errors=True)
    with translated_errors(), psycopg.connect(lease.conninfo(), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")
    (home / _MARK).unlink()


def _begin(home: Path) -> HomeFiles:
    """Return the files of an empty home, after removing what a killed recovery left there."""
    files, mark = HomeFiles(home), home / _MARK
    if files.record.exists() or (home / "postgres").exists():
        if not mark.exists():
            raise InvalidInput(
                f"{home} has a database already, and a restore overwrites nothing: name a new "
                "home folder as target"
            )
        discard_server(home)
        shutil.rmtree(home / "postgres", ignore_errors=True)
    make_home(home)
    mark.touch(mode=0o600)
    make_server_files(files)
    return files


def _configure(data: Path, target: Mapping[str, str], superuser: str) -> None:
    """Replace the configuration of the server that was backed up by the embedded one's."""
    for name in ("postgresql.auto.conf", ARCHIVE_CONFIGURATION, "standby.signal"):
        (data / name).unlink(missing_ok=True)
    settings = {
        "recovery_target_action": "promote",
        "hot_standby": "off",
        **target,
    }
    for name, text in {
        "postgresql.conf": f"include = '{CONFIGURATION_NAME}'\n",
        "pg_hba.conf": f"local all {superuser} trust\nlocal all {SUPERUSER} scram-sha-256\n",
        "pg_ident.conf": "",
        RECOVERY_CONFIGURATION: setting_lines(settings),
        "recovery.signal": "",
    }.items():
        path = data / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
