"""Which backups there are, and what is known of each: the files say it, a table repeats it.

For: listing, finding, states, retention's choice. Not for: making or trying a backup.

After a disaster only the files are left, so they are the truth. ``internal.backups`` repeats them
for the status page and for people who write SQL.
"""

import logging
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from ioc_analytics.backup.manifest import MANIFEST, STATE, mark_file, read_manifest
from ioc_analytics.backup.signing import SigningKey, signing_key
from ioc_analytics.database.filelocks import file_lock
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import (
    AnalyticsError,
    ConfigurationError,
    IntegrityFailure,
    InvalidInput,
    Unavailable,
)
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.privacy.keys import load_key
from ioc_analytics.records.backups import Backup, Method

_ID: Final = re.compile(r"(\d{8}T\d{6})Z-[0-9a-f]{6}")
_STAMP: Final = "%Y%m%dT%H%M%S"
_LOCK_TIMEOUT_SECONDS: Final = 60

_log = logging.getLogger(__name__)


@contextmanager
def locked_folder(config: AnalyticsConfig) -> Iterator[Path]:
    """Lend the folder of the backups to one process at a time.

    Raises:
        Unavailable: Another process has been at work in it for a minute.
    """
    folder = config.backup.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file_lock(folder / ".lock", _LOCK_TIMEOUT_SECONDS):
        yield folder


def list_backups(config: AnalyticsConfig) -> list[Backup]:
    """Return every backup, the newest first; one that cannot be read has a ``fault``."""
    folders = _folders(config)
    if not folders:
        return []
    key = signing_key(config)
    return sorted(
        (read_backup(path, key) for path in folders),
        key=lambda backup: (backup.created_at, backup.id),
        reverse=True,
    )


def find_backup(config: AnalyticsConfig, backup_id: str | None) -> Path:
    """Return the folder of a backup; without an id that of the newest one.

    Raises:
        InvalidInput: There is none, or none of that id.
    """
    known = sorted(backup.id for backup in list_backups(config))
    if not known:
        raise InvalidInput(
            f"there is no backup in {config.backup.folder}: make one, or name the folder that has "
            "some in ANALYTICS_BACKUP_FOLDER"
        )
    chosen = known[-1] if backup_id is None else backup_id
    if chosen not in known:
        raise InvalidInput(
            f"there is no backup {chosen!r} in {config.backup.folder}{did_you_mean(chosen, known)}"
        )
    return config.backup.folder / chosen


def read_backup(folder: Path, key: SigningKey) -> Backup:
    """Return what is known of one backup."""
    match = _ID.fullmatch(folder.name)
    moment = match[1] if match else "19700101T000000"
    bare = Backup(
        id=folder.name,
        created_at=datetime.strptime(moment, _STAMP).replace(tzinfo=UTC),
        size=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        location=str(folder),
        checksum="",
        state="written",
    )
    try:
        manifest = read_manifest(folder, key)
        checksum = mark_file(folder / MANIFEST).sha256
        state = _read_state(folder, key, checksum)
    except AnalyticsError as fault:
        return replace(bare, fault=str(fault))
    tables = {
        name if part == "platform" else f"{part}:{name}": fingerprint
        for part, fingerprints in manifest.parts.items()
        for name, fingerprint in fingerprints.items()
    }
    mark = manifest.physical
    return replace(
        bare,
        created_at=manifest.created_at,
        checksum=checksum,
        fingerprints=tables,
        size=bare.size + (manifest.repository.size if manifest.repository else 0),
        method=manifest.method,
        log_start=f"{mark.system}/{mark.log_start}" if mark and not manifest.repository else None,
        server_version=manifest.server_version,
        **state,
    )


def note_state(folder: Path, key: SigningKey, **changes: Any) -> Backup:
    """Write down what became of a backup (fields of ``Backup``), and return it."""
    checksum = mark_file(folder / MANIFEST).sha256
    try:
        known = _read_state(folder, key, checksum)
    except (ConfigurationError, IntegrityFailure):
        known = {}  # damaged: what it said is lost, and is found out anew
    state = known | changes
    told = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in state.items()
    }
    key.write(folder / STATE, {"manifest": checksum, "state": told})
    return read_backup(folder, key)


def begin_key(config: AnalyticsConfig) -> SigningKey:
    """Return the signing key for a new backup: the first of a new installation makes its key.

    Raises:
        ConfigurationError: There are backups, and the pseudonym key that signed them is missing.
    """
    load_key(config, makes=not _folders(config))
    return signing_key(config)


def new_id() -> str:
    """Return the id of a backup that begins now."""
    return f"{utc_now():{_STAMP}}Z-{secrets.token_hex(3)}"


def newest_drilled(backups: Sequence[Backup]) -> dict[Method, Backup]:
    """Return the newest backup that counts, by method.

    Args:
        backups: The newest first.
    """
    counting = [one for one in backups if one.state == "drilled" and one.fault is None]
    return {one.method: one for one in reversed(counting)}


def mirror(database: Database, backups: list[Backup]) -> None:
    """Repeat the catalogue in ``internal.backups``, if there is a database that has it.

    On a fresh machine on which only the backups are left there is none, and they are tried all the
    same: the files are the truth.
    """
    if not database.is_there:
        return
    try:
        with database.connection("ingest") as connection:
            _repeat(connection, backups)
    except (ConfigurationError, InvalidInput, Unavailable) as fault:
        _log.warning(f"the catalogue of backups is not repeated in the database: {fault}")


def _repeat(connection: psycopg.Connection[Any], backups: list[Backup]) -> None:
    connection.execute(sqlfiles.query("backup/forget"))
    for backup in backups:
        connection.execute(
            sqlfiles.query("backup/note"),
            {
                "id": backup.id,
                "created_at": backup.created_at,
                "size_bytes": backup.size,
                "location": backup.location,
                "checksum": backup.checksum,
                "state": backup.state,
                "server_version": backup.server_version,
                "verified_at": backup.verified_at,
                "drilled_at": backup.drilled_at,
                "restore_seconds": backup.restore_seconds,
                "fault": backup.fault,
            },
        )


def _folders(config: AnalyticsConfig) -> list[Path]:
    found = config.backup.folder.glob("*")
    return [path for path in found if _ID.fullmatch(path.name) and path.is_dir()]


def _read_state(folder: Path, key: SigningKey, checksum: str) -> dict[str, Any]:
    if not (folder / STATE).exists():
        return {}
    content = key.read(folder / STATE)
    if content["manifest"] != checksum:
        return {}  # what was found out about another manifest says nothing about this one
    state: dict[str, Any] = content["state"]
    for name in ("verified_at", "drilled_at"):
        if state.get(name):
            state[name] = datetime.fromisoformat(state[name])
    return state
