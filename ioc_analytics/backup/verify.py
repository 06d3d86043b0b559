"""Whether the files of a backup are those that were written.

For: ``verify_backup``, and before any restore. Not for: whether it can be restored to what it was
(``backup.drill``): a bit that flipped before the file was hashed shows there only.
"""

from functools import partial
from pathlib import Path

from ioc_analytics.backup import pgbackrest
from ioc_analytics.backup.catalogue import (
    find_backup,
    list_backups,
    locked_folder,
    mirror,
    note_state,
)
from ioc_analytics.backup.manifest import Manifest, Progress, mark_files, read_manifest, silent
from ioc_analytics.backup.signing import SigningKey, signing_key
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.backups import Backup


def verify_backup(
    database: Database, backup_id: str | None = None, *, progress: Progress = silent
) -> Backup:
    """Compare every file of a backup with its manifest; without an id of the newest backup.

    Args:
        database: The installation that the backup belongs to.
        backup_id: The backup; None: the newest.
        progress: Called with ``files`` after each file.

    Raises:
        IntegrityFailure: Something differs; the files are named, and the backup no longer counts.
        ConfigurationError: The pseudonym key is not that of the backup.
    """
    config = database.config
    key = signing_key(config)
    with locked_folder(config):
        folder = find_backup(config, backup_id)
        try:
            check_backup(config, folder, key, progress)
        except IntegrityFailure as fault:
            note_fault(database, folder, key, fault)
            raise
        before = {one.id: one for one in list_backups(config)}[folder.name]
        state = "drilled" if before.state == "drilled" and before.fault is None else "verified"
        backup = note_state(folder, key, state=state, verified_at=utc_now(), fault=None)
        mirror(database, list_backups(config))
    return backup


def check_backup(
    config: AnalyticsConfig, folder: Path, key: SigningKey, progress: Progress = silent
) -> Manifest:
    """Return the manifest of a backup whose files are as they were written, wherever they lie.

    Raises:
        IntegrityFailure: Something differs, here or in the repository.
        ConfigurationError: The pseudonym key is not that of the backup.
    """
    manifest = check_files(folder, key, progress)
    if manifest.repository is not None:
        pgbackrest.verify(config, manifest.repository, manifest.id)
    return manifest


def check_files(folder: Path, key: SigningKey, progress: Progress = silent) -> Manifest:
    """Return the manifest of a backup whose files are as it says.

    Raises:
        IntegrityFailure: A file is missing, added or changed, or the manifest was.
        ConfigurationError: The pseudonym key is not that of the backup.
    """
    manifest = read_manifest(folder, key)
    found = mark_files(folder, advance=partial(progress, "files"))
    faults = []
    for name in sorted({*manifest.files, *found}):
        expected, mark = manifest.files.get(name), found.get(name)
        if mark is None:
            faults.append(f"{name} is missing")
        elif expected is None:
            faults.append(f"{name} is not of this backup")
        elif mark.size != expected.size:
            faults.append(f"{name} has {mark.size} bytes instead of {expected.size}")
        elif mark != expected:
            faults.append(f"{name} was changed")
    if faults:
        raise IntegrityFailure(f"backup {folder.name}: {'; '.join(faults)}. Use another backup")
    return manifest


def note_fault(database: Database, folder: Path, key: SigningKey, fault: IntegrityFailure) -> None:
    """Write down that a backup does not count any longer."""
    if (folder / "manifest.json").is_file():
        note_state(folder, key, state="written", fault=str(fault))
    mirror(database, list_backups(database.config))
