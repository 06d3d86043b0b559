"""Physical backups: the server's files with its log, for a restore to any moment since.

For: ``create_backup`` by the methods ``physical`` and ``pgbackrest``. Not for: bringing them back
(``backup.recovering``), or moving between major versions, which the dump does (``backup.dump``).

What was backed up is known exactly: for an instant nobody writes while a snapshot is taken and a
point is named in the log. The fingerprints are of that snapshot; a drill replays the log up to that
point and compares.
"""

import re
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from ioc_analytics.backup import archive, pgbackrest
from ioc_analytics.backup.fingerprints import fingerprint_database
from ioc_analytics.database import closed
from ioc_analytics.database.clients import Clients, run_client
from ioc_analytics.database.pools import Database
from ioc_analytics.database.snapshots import shared_snapshot
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.backups import Fingerprint, PhysicalMark, RepositoryMark

BASE: Final = "base"
LOG: Final = "log"

_LOCK_TIMEOUT: Final = "60s"
_START: Final = re.compile(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)$", re.MULTILINE)
_SLOTS: Final = "ioc_backup_"


def write_base(
    database: Database,
    clients: Clients,
    draft: Path,
    backup_id: str,
    jobs: int,
    compression: int,
) -> tuple[PhysicalMark, dict[str, Fingerprint]]:
    """Write base backup and log below a folder; return what is known of them.

    Raises:
        Unavailable: A program failed, or somebody wrote for longer than a minute at a stretch.
        ConfigurationError: The login of the settings may not replicate.
    """
    address = database.address
    conninfo = closed.administrator_conninfo(address, address.database)
    point = point_name(backup_id)
    with ExitStack() as stack:
        connection = stack.enter_context(closed.maintenance(address))
        # Of backups that were killed: a slot keeps the log for ever.
        connection.execute(sqlfiles.query("backup/drop_slots"), {"prefix": _SLOTS})
        connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", [point])
        stack.callback(connection.execute, "SELECT pg_drop_replication_slot(%s)", [point])
        packed = f"client-gzip:{compression}" if compression else "none"
        arguments = ["--checkpoint=fast", "--format=tar", f"--compress={packed}"]
        arguments += [f"--pgdata={draft / BASE}", "--wal-method=stream"]
        run_client(clients.folder / "pg_basebackup", arguments, conninfo)
        with still_point(database, connection, point) as (snapshot, end):
            (draft / LOG).mkdir(mode=0o700)
            packed = f"gzip:{compression}" if compression else "none"
            given = [f"--directory={draft / LOG}", f"--slot={point}", f"--endpos={end}"]
            given.append(f"--compress={packed}")
            run_client(clients.folder / "pg_receivewal", [*given, "--no-loop"], conninfo)
            fingerprints = fingerprint_database(database.conninfo("backup"), snapshot, jobs=jobs)
        row = connection.execute(sqlfiles.query("backup/server")).fetchone()
        system, superuser = row if row else ("", "")
    for partial in (draft / LOG).glob("*.partial*"):
        partial.rename(partial.with_name(partial.name.replace(".partial", "")))
    start = _START.search(_label(draft / BASE))
    mark = PhysicalMark(
        point=point,
        log_start=start[1] if start else "",
        system=system,
        superuser=superuser,
        database=address.database,
    )
    return mark, fingerprints


def write_in_repository(
    database: Database, backup_id: str, jobs: int
) -> tuple[PhysicalMark, RepositoryMark, dict[str, Fingerprint]]:
    """Have pgBackRest write a backup into its repository; return what is known of it.

    Raises:
        Unavailable: pgBackRest failed, or the log is not archived within a minute.
        ConfigurationError: It is not set up for this server.
    """
    address, point = database.address, point_name(backup_id)
    pgbackrest.back_up(database.config, backup_id)
    with closed.maintenance(address) as connection:
        with still_point(database, connection, point) as (snapshot, _):
            fingerprints = fingerprint_database(database.conninfo("backup"), snapshot, jobs=jobs)
            archive.catch_up(connection)
        row = connection.execute(sqlfiles.query("backup/server")).fetchone()
    system, superuser = row if row else ("", "")
    repository, start = pgbackrest.find(database.config, backup_id)
    mark = PhysicalMark(point, start, system, superuser, address.database)
    return mark, repository, fingerprints


def point_name(backup_id: str) -> str:
    """Return the name of the point in the log that a backup is of."""
    return f"{_SLOTS}{backup_id.lower().replace('-', '_')}"


def _label(base: Path) -> str:
    """Return what a base backup says of itself."""
    packed = next(base.glob("base.tar*"))
    with tarfile.open(packed) as archived:
        for member in archived:
            file = archived.extractfile(member) if member.name == "backup_label" else None
            if file is not None:
                return file.read().decode("utf-8")
    return ""


@contextmanager
def still_point(
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
