"""The write-ahead log beside the backups: with a base backup it leads to any moment since.

For: physical backups and ``initialize``. Not for: recovering (``database.recovery``).

The embedded server copies each full segment, or what there is after five minutes, below the folder
that ``backup.log_archive`` names, into one that bears the number of its data: segments of two
servers have the same names. A server of one's own fills the folder itself by its own
``archive_command``; here it is read only.
"""

import re
import shlex
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from ioc_analytics.database.accounts import Account, can_enter
from ioc_analytics.database.cluster import ARCHIVE_CONFIGURATION, setting_lines
from ioc_analytics.database.embedded import ServerLease
from ioc_analytics.database.homefiles import make_folder
from ioc_analytics.database.pools import Database
from ioc_analytics.database.succession import current_cluster
from ioc_analytics.kernel.errors import ConfigurationError, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.backups import Backup

_SEGMENT: Final = re.compile(r"[0-9A-F]{24}(\.partial)?|[0-9A-F]{8}\.history")
_WAIT_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.1


def follow_setting(database: Database) -> None:
    """Let the embedded server archive its log into the folder of the setting.

    Without the setting what was begun goes on: one command of a shell that does not have it must
    not make a hole in the archive. ``end`` ends it.

    Raises:
        ConfigurationError: The folder cannot be made, or the server's account cannot enter it.
    """
    lease = database.open().lease
    folder = database.config.backup.log_archive
    if lease is None or folder is None:
        return
    account = current_cluster(database.config.home).account
    _make_enterable(folder, account)
    _make_enterable(folder / system_of(lease), account)
    _configure(database, lease, _configuration(folder / system_of(lease)))


def end(database: Database) -> None:
    """End the archiving of the embedded server's log."""
    lease = database.open().lease
    if lease is not None:
        _configure(database, lease, "")


def _configure(database: Database, lease: ServerLease, wanted: str) -> None:
    cluster = current_cluster(database.config.home)
    path = cluster.data / ARCHIVE_CONFIGURATION
    if wanted == (path.read_text(encoding="utf-8") if path.exists() else ""):
        return
    path.touch(mode=0o600)
    path.write_text(wanted, encoding="utf-8")
    cluster.account.give(path)
    _reload(lease)


def system_of(lease: ServerLease) -> str:
    """Return the number that tells the data of an embedded server from all others."""
    with psycopg.connect(lease.conninfo(), autocommit=True) as connection:
        row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    return str(row[0]) if row else ""


def segments(config: AnalyticsConfig, system: str, since: str) -> list[Path]:
    """Return the archived segments of some data from one on, and the histories of timelines."""
    folder = config.backup.log_archive
    if folder is None or not folder.is_dir():
        return []
    if (folder / system).is_dir():
        folder = folder / system
    found = sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))
    return [path for path in found if path.suffix == ".history" or path.name[8:] >= since[8:]]


def catch_up(connection: psycopg.Connection[Any]) -> None:
    """Have the log that was written so far archived.

    Raises:
        Unavailable: It is not archived within a minute.
    """
    # A segment that nothing was written to is not archived, and would be waited for in vain.
    connection.execute("SELECT pg_create_restore_point('ioc_caught_up')")
    row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    segment = str(row[0]) if row else ""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        row = connection.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()
        if row and row[0] and str(row[0])[:24] >= segment:
            return
        time.sleep(_POLL_SECONDS)
    raise Unavailable(
        f"the server has not archived its log up to {segment}: see last_failed_wal in "
        "pg_stat_archiver, and whether the folder ANALYTICS_LOG_ARCHIVE has room"
    )


def prune(config: AnalyticsConfig, backups: Sequence[Backup], now: datetime) -> int:
    """Delete the segments that no physical backup needs, and return how many.

    Of data without a physical backup those of the last ``keep_days`` stay: the first one may be
    under way.
    """
    folder = config.backup.log_archive
    if not config.is_embedded or folder is None or not folder.is_dir():
        return 0
    starts: dict[str, str] = {}
    for one in backups:
        if one.log_start:
            system, _, start = one.log_start.partition("/")
            starts[system] = min(start, starts.get(system, start))
    oldest = (now - timedelta(days=config.backup.keep_days)).timestamp()
    going: list[Path] = []
    for system in (path.name for path in folder.iterdir() if path.is_dir()):
        known = segments(config, system, "0" * 24)
        if system in starts:
            needed = set(segments(config, system, starts[system]))
            going += [one for one in known if one not in needed]
        else:
            going += [one for one in known if one.stat().st_mtime < oldest]
    for path in going:
        path.unlink()
    return len(going)


def _make_enterable(folder: Path, account: Account) -> None:
    try:
        if not folder.is_dir():
            make_folder(folder, 0o700)
            account.give(folder)
    except OSError as fault:
        raise ConfigurationError(
            f"the folder {folder} (ANALYTICS_LOG_ARCHIVE) cannot be made: {fault.strerror}"
        ) from fault
    if not can_enter(account, folder):
        raise ConfigurationError(
            f"account {account.name}, which runs the server, cannot enter {folder} "
            "(ANALYTICS_LOG_ARCHIVE): name a folder that it owns"
        )


def _configuration(folder: Path) -> str:
    place = shlex.quote(str(folder)).replace("%", "%%")
    # A segment whose copy was cut off is copied again; one that is there must be the same.
    command = (
        f"if [ -e {place}/%f ]; then cmp -s %p {place}/%f; else cp %p {place}/.%f.new"
        f" && sync {place}/.%f.new && mv {place}/.%f.new {place}/%f; fi"
    )
    return setting_lines({"archive_command": command})


def _reload(lease: ServerLease) -> None:
    with psycopg.connect(lease.conninfo(), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")
