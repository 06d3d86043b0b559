"""A backup of a whole server becomes the data of a new home, and its log is replayed.

For: the drill and ``restore_backup(..., until=...)`` of physical backups and of those in a
repository of pgBackRest. Not for: writing them (``backup.physical``), or dumps.
"""

import gzip
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ioc_analytics.backup import archive, pgbackrest
from ioc_analytics.backup.manifest import Manifest
from ioc_analytics.backup.physical import BASE, LOG
from ioc_analytics.database import closed
from ioc_analytics.database.binaries import candidate_folders, inspect_folder
from ioc_analytics.database.clients import run_client
from ioc_analytics.database.embedded import ServerLease, discard_server
from ioc_analytics.database.pools import Database
from ioc_analytics.database.recovery import Place, Writer, copy_command, lay_out, recover
from ioc_analytics.kernel.errors import (
    ConfigurationError,
    IntegrityFailure,
    PrivacyRefusal,
    Unavailable,
)
from ioc_analytics.kernel.settings import AnalyticsConfig

LATEST: Final = "latest"


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
    target = {"recovery_target_name": mark.point} if until is None else until.settings()
    programs = programs_of(manifest, config.pg_bin)
    if manifest.repository is not None:
        write = pgbackrest.writer(config, manifest.repository)
    else:
        log = sorted((folder / LOG).iterdir())
        if until is not None:
            log += archive.segments(config, mark.system, mark.log_start)
        write = _writer(manifest, folder / BASE, log, programs)
    lay_out(home, write, target, mark.superuser)
    try:
        lease = recover(home, programs, mark.superuser)
    except BaseException:
        discard_server(home)
        raise
    try:
        yield lease
    finally:
        lease.release()


def latest_log(database: Database) -> None:
    """Have a server that still runs archive what it has written, before its log is replayed."""
    if not database.is_there:
        return
    try:
        with closed.maintenance(database.address) as connection:
            if connection.execute("SHOW archive_mode").fetchone() != ("off",):
                archive.catch_up(connection)
    except (ConfigurationError, PrivacyRefusal, Unavailable):
        return  # the server is lost, or we may not: what is archived is what there is


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


def _writer(manifest: Manifest, base: Path, log: Sequence[Path], programs: Path) -> Writer:
    """Return what lays out a base backup and its log, and has ``pg_verifybackup`` look at both.

    The writer raises ``IntegrityFailure`` when that says that something is wrong.
    """

    def write(place: Place) -> str:
        for name, folder in (("base", place.draft), ("pg_wal", place.draft / "pg_wal")):
            for packed in base.glob(f"{name}.tar*"):
                with tarfile.open(packed) as archived:
                    archived.extractall(folder, filter="fully_trusted")  # noqa: S202 - hashes fit
        if not (place.draft / "PG_VERSION").exists():
            shutil.copytree(base, place.draft, symlinks=True, dirs_exist_ok=True)
        given = ["--exit-on-error", f"--manifest-path={base / 'backup_manifest'}"]
        try:
            run_client(programs / "pg_verifybackup", [*given, str(place.draft)], None)
        except Unavailable as fault:
            raise IntegrityFailure(f"backup {manifest.id}: {fault}. Use another backup") from fault
        whole = max(path.stat().st_size for path in (place.draft / "pg_wal").iterdir())
        for path in log:  # of two with one name the later one counts
            if path.suffix == ".gz":
                _unpack(path, place.wal / path.stem, whole)
            else:
                shutil.copyfile(path, place.wal / path.name)
        return copy_command(place.wal)

    return write


def _unpack(packed: Path, segment: Path, whole: int) -> None:
    with gzip.open(packed, "rb") as source, segment.open("wb") as target:
        shutil.copyfileobj(source, target)
        if segment.suffix != ".history":
            target.truncate(whole)  # the last segment ends where the backup does
