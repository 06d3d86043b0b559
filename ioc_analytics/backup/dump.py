"""Making a backup: dump and fingerprints of one snapshot, under a draft's name until it is whole.

For: ``create_backup``. Not for: judging one (``backup.verify``, ``backup.drill``).
"""

import os
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from ioc_analytics.backup import tombstones
from ioc_analytics.backup.catalogue import (
    begin_key,
    list_backups,
    locked_folder,
    mirror,
    new_id,
    read_backup,
)
from ioc_analytics.backup.fingerprints import fingerprint_database
from ioc_analytics.backup.manifest import Manifest, Progress, mark_files
from ioc_analytics.backup.physical import write_base, write_in_repository
from ioc_analytics.backup.signing import sync_folder
from ioc_analytics.database.clients import Clients, find_clients, run_client
from ioc_analytics.database.neighbours import DAGSTER, neighbour_conninfo
from ioc_analytics.database.pools import Database
from ioc_analytics.database.snapshots import reading, shared_snapshot
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.records.backups import Backup, Fingerprint, Method
from ioc_analytics.schema.migrations import find_drift

PLATFORM: Final = "platform"
DEFAULT_COMPRESSION: Final = 1
"""gzip level: its files are some 10 % larger than level 6 makes them, in half the time."""


def create_backup(
    database: Database,
    *,
    method: Method = "dump",
    compression: int = DEFAULT_COMPRESSION,
    progress: Progress | None = None,
) -> Backup:
    """Write a backup of the platform's database, and of Dagster's beside it.

    Args:
        database: The platform's database.
        method: ``dump``; or ``physical`` or ``pgbackrest``: the whole server, see
            ``backup.physical``.
        compression: gzip level, 0 (none) to 9; pgBackRest has a setting of its own.
        progress: Called with a word for each table that is counted and each dump.

    Raises:
        Unavailable: The server went away, the disk is full, or another backup is at work.
        ConfigurationError: The client programs are older than the server.
    """
    if not 0 <= compression <= 9:
        raise InvalidInput(f"compression is a gzip level from 0 to 9, {compression} was given")
    config = database.config
    with locked_folder(config) as folder:
        key = begin_key(config)
        for left in folder.glob(".*.new"):
            shutil.rmtree(left)  # of a run that was killed: the lock says that nobody writes it
        backup_id = new_id()
        draft = folder / f".{backup_id}.new"
        try:
            draft.mkdir(mode=0o700)
            manifest = _write_parts(database, draft, backup_id, method, compression, progress)
            manifest.write(draft, key)
            for path in [draft, *(path for path in draft.iterdir() if path.is_dir())]:
                sync_folder(path)
            draft.rename(folder / backup_id)
            sync_folder(folder)
        except OSError as fault:
            raise Unavailable(
                f"the backup cannot be written to {folder} ({fault.strerror}): free space there, "
                "then try again"
            ) from fault
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        with database.connection("ingest") as connection:
            tombstones.keep(folder, key, tombstones.read(connection))
        mirror(database, list_backups(config))
        return read_backup(folder / backup_id, key)


def _write_parts(
    database: Database,
    draft: Path,
    backup_id: str,
    method: Method,
    compression: int,
    progress: Progress | None,
) -> Manifest:
    jobs = parallel_jobs(database.config.operations.parallel_processing)
    with reading(database.conninfo("backup")) as connection:
        version = str(connection.info.parameter_status("server_version")).split()[0]
        drift = tuple(find_drift(connection))
    sources = {PLATFORM: database.conninfo("backup")}
    beside = neighbour_conninfo(database, DAGSTER)
    if beside is not None and method == "dump":
        sources[DAGSTER] = beside
    preferred = database.lease.bin_folder if database.lease else database.config.pg_bin
    clients = find_clients(max(map(_major, sources.values())), preferred)
    created_at = utc_now()
    mark = repository = None
    if method != "dump":
        if method == "physical":
            mark, held = write_base(database, clients, draft, backup_id, jobs, compression)
        else:
            mark, repository, held = write_in_repository(database, backup_id, jobs)
        parts = {PLATFORM: held}
        created_at = utc_now()  # what it holds is what there was at the end of the copying
    else:
        parts = _dump_parts(sources, clients, draft, jobs, compression, progress)
    return Manifest(
        id=backup_id,
        created_at=created_at,
        server_version=version,
        tool_version=clients.version,
        drift=drift,
        parts=parts,
        files=mark_files(draft, syncs=True),
        physical=mark,
        repository=repository,
    )


def _dump_parts(
    sources: Mapping[str, str],
    clients: Clients,
    draft: Path,
    jobs: int,
    compression: int,
    progress: Progress | None,
) -> dict[str, dict[str, Fingerprint]]:
    advance = None if progress is None else partial(progress, "tables")
    parts: dict[str, dict[str, Fingerprint]] = {}
    for part, conninfo in sources.items():
        with shared_snapshot(conninfo) as snapshot:
            _dump(clients, conninfo, snapshot, draft / part, jobs, compression)
            if progress is not None:
                progress(f"{part} dumped")
            parts[part] = fingerprint_database(conninfo, snapshot, jobs=jobs, advance=advance)
    return parts


def left_out(database: Database) -> str | None:
    """Return what no backup holds, and why; None: nothing."""
    if neighbour_conninfo(database, DAGSTER) is not None:
        return None
    return (
        "Dagster's runs and events: no database of it is known here, so they lie in its files "
        "(SQLite); name its PostgreSQL database in DAGSTER_PG_URL"
    )


def _major(conninfo: str) -> int:
    with reading(conninfo) as connection:
        return connection.info.server_version // 10_000


def parallel_jobs(most: int) -> int:
    """Return how many processes a dump or a restore uses: no more than there are cores."""
    return max(1, min(most, os.cpu_count() or 1))


def _dump(
    clients: Clients, conninfo: str, snapshot: str, folder: Path, jobs: int, compression: int
) -> None:
    arguments = [
        "--format=directory",
        f"--jobs={jobs}",
        f"--compress={compression}",
        f"--snapshot={snapshot}",
        f"--file={folder}",
    ]
    run_client(clients.folder / "pg_dump", arguments, conninfo)
