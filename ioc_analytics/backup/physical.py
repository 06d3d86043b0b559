"""Physical backups: the server's files with its log, for a restore to any moment since.

For: ``create_backup({"method": "physical"})``, its drill, ``restore_backup(..., until=...)``. Not
for: moving between major versions or single databases, which the dump does (``backup.dump``).

What was backed up is known exactly: for an instant nobody writes while a snapshot is taken and a
point is named in the log. The fingerprints are of that snapshot; a drill replays the log up to that
point and compares.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from ioc_analytics.backup import archive
from ioc_analytics.backup.fingerprints import fingerprint_database
from ioc_analytics.backup.manifest import Manifest
from ioc_analytics.database import closed
from ioc_analytics.database.binaries import candidate_folders, inspect_folder
from ioc_analytics.database.clients import Clients, run_client
from ioc_analytics.database.embedded import ServerLease, discard_server
from ioc_analytics.database.pools import Database
from ioc_analytics.database.recovery import lay_out, recover
from ioc_analytics.database.snapshots import shared_snapshot
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import ConfigurationError, IntegrityFailure, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.backups import Fingerprint, PhysicalMark

BASE: Final = "base"
LOG: Final = "log"
LATEST: Final = "latest"

_LOCK_TIMEOUT: Final = "60s"
_START: Final = re.compile(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)$", re.MULTILINE)
_SLOTS: Final = "ioc_backup_"


@dataclass(frozen=True, slots=True)
class Until:
    """Where the replay of the log ends."""

    moment: datetime | None
    """A moment; None: the end of the log that is here."""

    def settings(self) -> dict[str, str]:
        """Return the server's settings for it."""
        if self.moment is None:
            return {}
        return {"recovery_target_time": self.moment.isoformat()}


def write_base(
    database: Database, clients: Clients, draft: Path, backup_id: str, jobs: int
) -> tuple[PhysicalMark, dict[str, Fingerprint]]:
    """Write base backup and log below a folder; return what is known of them.

    Raises:
        Unavailable: A program failed, or somebody wrote for longer than a minute at a stretch.
        ConfigurationError: The login of the settings may not replicate.
    """
    address = database.address
    conninfo = closed.administrator_conninfo(address, address.database)
    point = f"{_SLOTS}{backup_id.lower().replace('-', '_')}"
    with ExitStack() as stack:
        connection = stack.enter_context(closed.maintenance(address))
        # Of backups that were killed: a slot keeps the log for ever.
        connection.execute(sqlfiles.query("backup/drop_slots"), {"prefix": _SLOTS})
        connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", [point])
        stack.callback(connection.execute, "SELECT pg_drop_replication_slot(%s)", [point])
        arguments = [f"--pgdata={draft / BASE}", "--checkpoint=fast", "--wal-method=stream"]
        run_client(clients.folder / "pg_basebackup", arguments, conninfo)
        with _still_point(database, connection, point) as (snapshot, end):
            (draft / LOG).mkdir(mode=0o700)
            given = [f"--directory={draft / LOG}", f"--slot={point}", f"--endpos={end}"]
            run_client(clients.folder / "pg_receivewal", [*given, "--no-loop"], conninfo)
            fingerprints = fingerprint_database(database.conninfo("backup"), snapshot, jobs=jobs)
        row = connection.execute(sqlfiles.query("backup/server")).fetchone()
        system, superuser = row if row else ("", "")
    for partial in (draft / LOG).glob("*.partial"):
        partial.rename(partial.with_suffix(""))
    label = (draft / BASE / "backup_label").read_text(encoding="utf-8")
    start = _START.search(label)
    mark = PhysicalMark(
        point=point,
        log_start=start[1] if start else "",
        system=system,
        superuser=superuser,
        database=address.database,
    )
    return mark, fingerprints


def check_base(manifest: Manifest, folder: Path) -> None:
    """Have ``pg_verifybackup`` look at a base backup and at its log.

    Raises:
        IntegrityFailure: It says that something is wrong.
        ConfigurationError: The programs of the server's version are not here.
    """
    program = programs_of(manifest) / "pg_verifybackup"
    try:
        run_client(program, ["--exit-on-error", str(folder / BASE)], None)
    except Unavailable as fault:
        raise IntegrityFailure(f"backup {manifest.id}: {fault}. Use another backup") from fault


def programs_of(manifest: Manifest, preferred: Path | None = None) -> Path:
    """Return the programs of the backup's major version: its files are of no use to another.

    Raises:
        ConfigurationError: They are not on this machine.
    """
    major = int(manifest.server_version.split(".")[0])
    for folder in [*([preferred] if preferred else []), *candidate_folders()]:
        try:
            if inspect_folder(folder).major == major:
                return folder
        except ConfigurationError:
            continue
    raise ConfigurationError(
        f"backup {manifest.id} is the files of a PostgreSQL {major}, and its programs are not on "
        "this machine: install them, or use a backup by dump"
    )


@contextmanager
def recovered(
    config: AnalyticsConfig, folder: Path, manifest: Manifest, home: Path, until: Until | None
) -> Iterator[ServerLease]:
    """Recover a physical backup in a new home, closed to everybody but its superuser.

    Args:
        config: The installation, for its archived log.
        folder: The backup; its files have been checked.
        manifest: Its manifest, of a physical backup.
        home: The new home.
        until: Where to end; None: at the point that the backup is of.

    Raises:
        InvalidInput: The home has a database, or the log does not reach that far.
    """
    mark = manifest.physical
    if mark is None:
        raise IntegrityFailure(f"backup {manifest.id} is a dump, which is not recovered but loaded")
    log = sorted((folder / LOG).iterdir())
    if until is None:
        target = {"recovery_target_name": mark.point}
    else:
        log += archive.segments(config, mark.system, mark.log_start)
        target = until.settings()
    programs = programs_of(manifest, config.pg_bin)
    lay_out(home, folder / BASE, log, target, mark.superuser)
    try:
        lease = recover(home, programs, mark.superuser)
    except BaseException:
        discard_server(home)
        raise
    try:
        yield lease
    finally:
        lease.release()


@contextmanager
def _still_point(
    database: Database, connection: psycopg.Connection[Any], name: str
) -> Iterator[tuple[str, str]]:
    """Name a point in the log, and lend a snapshot that holds exactly what lies before it.

    Writers wait for the instant between the two; snapshot and end of the log are returned.
    """
    address = database.address
    with ExitStack() as stack:
        stack.enter_context(translated_errors())
        conninfo = closed.administrator_conninfo(address, address.database)
        with psycopg.connect(conninfo) as locking:
            tables = locking.execute(sqlfiles.query("backup/tables")).fetchall()
            names = [sql.Identifier(schema, table) for schema, table, _ in tables]
            locking.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_TIMEOUT))
            locking.execute(
                sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.SQL(", ").join(names))
            )
            snapshot = stack.enter_context(shared_snapshot(database.conninfo("backup")))
            row = connection.execute("SELECT pg_create_restore_point(%s)", [name]).fetchone()
            locking.rollback()
        # What was not flushed is not sent, and a named point alone is no reason to flush.
        connection.execute("SELECT pg_switch_wal()")
        yield snapshot, str(row[0]) if row else ""


def latest_log(database: Database) -> None:
    """Have a server that still runs archive what it has written, before its log is replayed."""
    if not database.is_there:
        return
    try:
        with database.superuser_connection() as connection:
            archive.catch_up(connection)
    except (ConfigurationError, Unavailable):
        return  # the server is lost or another's: what is archived is what there is
