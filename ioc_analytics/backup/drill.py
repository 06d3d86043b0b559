"""A backup on trial: restored on a server of its own, compared, asked, thrown away.

For: ``drill_backup`` and its schedule. Not for: bringing data back (``backup.restore``).

The scratch server lies below the home folder and runs from the newest programs that are not older
than the backup's server. Where there are none, a closed database on the same server serves.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from ioc_analytics.backup.catalogue import (
    find_backup,
    list_backups,
    locked_folder,
    mirror,
    note_state,
)
from ioc_analytics.backup.dump import PLATFORM
from ioc_analytics.backup.manifest import Progress, silent
from ioc_analytics.backup.recovering import recovered
from ioc_analytics.backup.restore import Source, compare, load, load_dagster
from ioc_analytics.backup.signing import signing_key
from ioc_analytics.backup.verify import check_backup, note_fault
from ioc_analytics.database import closed
from ioc_analytics.database.binaries import candidate_folders, inspect_folder
from ioc_analytics.database.embedded import discard_server
from ioc_analytics.database.filelocks import file_lock
from ioc_analytics.database.logins import connect_as_administrator, provision
from ioc_analytics.database.neighbours import DAGSTER
from ioc_analytics.database.pools import Database
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import (
    ConfigurationError,
    IntegrityFailure,
    Unavailable,
)
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.backups import Backup
from ioc_analytics.schema.migrations import find_drift

_DATABASE: Final = "ioc_drill"
_LOCK_TIMEOUT_SECONDS: Final = 600


def drill_backup(
    database: Database, backup_id: str | None = None, *, progress: Progress = silent
) -> Backup:
    """Restore a backup on trial and compare it; without an id the newest one.

    Args:
        database: The installation that the backup belongs to.
        backup_id: The backup; None: the newest.
        progress: Called with ``files`` and ``tables`` after each that was compared.

    Raises:
        IntegrityFailure: It is damaged or restores to something else; it no longer counts.
        Unavailable: The scratch server could not do its work.
    """
    config = database.config
    key = signing_key(config)
    with locked_folder(config):
        folder = find_backup(config, backup_id)
        try:
            source = Source(folder, check_backup(config, folder, key, progress), progress)
            seconds = _tried(database, source)
        except IntegrityFailure as fault:
            note_fault(database, folder, key, fault)
            raise
        now = utc_now()
        backup = note_state(
            folder,
            key,
            state="drilled",
            verified_at=now,
            drilled_at=now,
            restore_seconds=seconds,
            fault=None,
        )
        mirror(database, list_backups(config))
    return backup


def _tried(database: Database, source: Source) -> float:
    if source.manifest.physical is not None:
        return _try_physical(database.config, source, source.manifest.physical.database)
    with scratch(database, source) as there:
        return _try(source, there)


def _try_physical(config: AnalyticsConfig, source: Source, name: str) -> float:
    home = config.home / "drill"
    with file_lock(config.home / "drill.lock", _LOCK_TIMEOUT_SECONDS):
        _remove(home)  # of a drill that was killed
        started = time.monotonic()
        try:
            with (
                recovered(config, source.folder, source.manifest, home, None) as lease,
                Database(AnalyticsConfig.load({}, home=home)) as there,
            ):
                compare(source, PLATFORM, lease.conninfo(name), there)
                seconds = time.monotonic() - started
                with translated_errors(), psycopg.connect(lease.conninfo(name)) as connection:
                    _ask(source, connection)
        finally:
            _remove(home)
    return seconds


@contextmanager
def scratch(database: Database, source: Source) -> Iterator[Database]:
    """Lend a server to try a backup on; nothing of it is left afterwards."""
    config = database.config
    programs = _programs(config, int(source.manifest.server_version.split(".")[0]))
    if programs is None:
        with Database(config) as there:
            try:
                yield there
            finally:
                closed.drop(there.address, _DATABASE)
        return
    home = config.home / "drill"
    with file_lock(config.home / "drill.lock", _LOCK_TIMEOUT_SECONDS):
        _remove(home)  # of a drill that was killed
        try:
            place = AnalyticsConfig.load({}, home=home, pg_bin=programs)
            with Database(place) as there:
                provision(place)
                yield there
        finally:
            _remove(home)


def _try(source: Source, there: Database) -> float:
    started = time.monotonic()
    try:
        load(source, there, _DATABASE)
    except Unavailable as fault:
        if not _is_dumps_fault(there, fault):
            raise
        raise IntegrityFailure(
            f"backup {source.manifest.id} cannot be restored: {fault}. Use another backup"
        ) from fault
    seconds = time.monotonic() - started
    with translated_errors(), connect_as_administrator(there.address, _DATABASE) as connection:
        _ask(source, connection)
    if DAGSTER in source.manifest.parts:
        closed.make_closed(there.address, _DATABASE)
        load_dagster(source, there, closed.administrator_conninfo(there.address, _DATABASE))
    return seconds


def _is_dumps_fault(there: Database, fault: Unavailable) -> bool:
    """Return whether a restore failed although its server is well and has room."""
    if "No space left on device" in str(fault):
        return False
    try:
        with translated_errors(), connect_as_administrator(there.address, _DATABASE) as connection:
            connection.execute("SELECT 1")
    except Unavailable:
        return False
    return True


def _ask(source: Source, connection: psycopg.Connection[Any]) -> None:
    """Ask the restored database what it must be able to answer.

    Raises:
        IntegrityFailure: A sequence lies behind its rows, or the schema is not the one backed up.
    """
    connection.execute(sqlfiles.query("backup/smoke")).fetchall()
    for schema, name in connection.execute(sqlfiles.query("backup/views")).fetchall():
        view = sql.Identifier(schema, name)
        connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(view)).fetchall()
    identities = connection.execute(sqlfiles.query("backup/identities")).fetchall()
    for schema, name, column, last in identities:
        statement = sql.SQL("SELECT coalesce(max({}), 0) FROM {}").format(
            sql.Identifier(column), sql.Identifier(schema, name)
        )
        row = connection.execute(statement).fetchone()
        if row is not None and row[0] > (last or 0):
            raise IntegrityFailure(
                f"backup {source.manifest.id}: the numbers of {schema}.{name} would be given out "
                "twice after a restore. Use another backup"
            )
    is_same_major = source.manifest.server_version.split(".")[0] == str(
        connection.info.server_version // 10_000
    )
    drift = find_drift(connection)
    # Another major version prints definitions in other words.
    if is_same_major and drift != list(source.manifest.drift):
        raise IntegrityFailure(
            f"backup {source.manifest.id} restores to another schema: {'; '.join(drift[:5])}"
        )


def _programs(config: AnalyticsConfig, major: int) -> Path | None:
    found = []
    for folder in [*([config.pg_bin] if config.pg_bin else []), *candidate_folders()]:
        try:
            found.append(inspect_folder(folder))
        except ConfigurationError:
            continue
    fitting = [one for one in found if one.major >= major]
    same = [one for one in fitting if one.major == major]
    chosen = (same or fitting)[:1]
    return chosen[0].folder if chosen else None


def _remove(home: Path) -> None:
    discard_server(home)
    shutil.rmtree(home, ignore_errors=True)
