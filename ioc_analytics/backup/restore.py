"""Restoring: into a database that nobody may enter, compared, erased again, then opened.

For: ``restore_backup``, and the drill, which stops after comparing. Not for: choosing a backup.

It converges: whatever a killed restore leaves is closed, bears a mark, and is dropped by the next.
"""

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ioc_analytics.backup import tombstones
from ioc_analytics.backup.catalogue import (
    find_backup,
    list_backups,
    locked_folder,
    newest_drilled,
)
from ioc_analytics.backup.dump import PLATFORM, parallel_jobs
from ioc_analytics.backup.emptiness import held_empty, refuse_content
from ioc_analytics.backup.fingerprints import differences, fingerprint_database
from ioc_analytics.backup.manifest import Manifest, Progress, silent
from ioc_analytics.backup.recovering import LATEST, Until, latest_log, recovered
from ioc_analytics.backup.signing import signing_key
from ioc_analytics.backup.verify import check_backup
from ioc_analytics.database import closed
from ioc_analytics.database.clients import Clients, find_clients, run_client
from ioc_analytics.database.logins import connect_as_administrator, provision
from ioc_analytics.database.neighbours import DAGSTER, neighbour_conninfo, neighbour_url
from ioc_analytics.database.pools import Database
from ioc_analytics.database.recovery import open_to_all
from ioc_analytics.database.servers import Address
from ioc_analytics.database.snapshots import reading
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import (
    ConfigurationError,
    IntegrityFailure,
    InvalidInput,
    Unavailable,
)
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.keys import KEY_FILE_NAME, load_key
from ioc_analytics.records.backups import RestoreReceipt

_NEWER_SETTING: Final = 'unrecognized configuration parameter "transaction_timeout"'


@dataclass(frozen=True, slots=True)
class Source:
    """A backup whose files have been checked."""

    folder: Path
    manifest: Manifest
    progress: Progress = silent

    def clients(self, address: Address, preferred: Path | None) -> tuple[Clients, int]:
        """Return a ``pg_restore`` that reads the dump, and the major version of the server.

        Raises:
            ConfigurationError: The server is older than the backup's, or the programs are.
        """
        with closed.maintenance(address) as connection:
            major = connection.info.server_version // 10_000
        made_by = int(self.manifest.server_version.split(".")[0])
        if major < made_by:
            raise ConfigurationError(
                f"backup {self.manifest.id} was taken from PostgreSQL {made_by}, and the target is "
                f"PostgreSQL {major}: restore into {made_by} or newer"
            )
        tool = int(self.manifest.tool_version.split(".")[0])
        return find_clients(max(major, tool), preferred), major


def restore_backup(
    database: Database,
    backup_id: str | None = None,
    target: str | Path | None = None,
    until: datetime | str | None = None,
    *,
    progress: Progress = silent,
) -> RestoreReceipt:
    """Restore a backup; without an id the newest drilled one.

    Args:
        database: The installation that the backup belongs to.
        backup_id: The backup; None: the newest drilled one, of a method that knows the moment.
        target: Name of a new database on the same server, a new home folder (a path with a slash),
            or the address of a server (``postgresql://...``) whose login may make databases.
            None: the installation's own database, which must be empty. A physical backup goes
            into a home folder without a database only: a new one, or that of the installation.
        until: Of a physical backup: restore what was committed up to this moment (UTC unless it
            has a time zone), or up to the end of the log that is here (``latest``). None: the
            moment of the backup.
        progress: Called with ``files`` and ``tables`` after each that was compared.

    Raises:
        InvalidInput: The target holds rows, there is no such backup, or the log ends before the
            moment.
        IntegrityFailure: The backup is damaged, or what was restored is not what was backed up.
        ConfigurationError: The key is another one, or the target's server is older.
    """
    place = _target_config(database.config, target)
    return restore_to(database, backup_id, place, _until(until), progress)


def restore_to(
    database: Database,
    backup_id: str | None,
    place: AnalyticsConfig,
    until: Until | None = None,
    progress: Progress = silent,
) -> RestoreReceipt:
    """Restore a backup into the empty database of other settings; see :func:`restore_backup`."""
    config = database.config
    key = signing_key(config)
    with locked_folder(config) as backups:
        folder = find_backup(config, backup_id or _newest_drilled(config, until))
        source = Source(folder, check_backup(config, folder, key, progress), progress)
        erased = dict(tombstones.kept(backups, key))
        if source.manifest.physical is not None:
            erased.update(_living_tombstones(database))
            return _recover(database, source, place, until, erased)
        if until is not None:
            raise InvalidInput(
                f"backup {source.manifest.id} is a dump, which knows one moment only: a moment can "
                "be chosen with a physical backup"
            )
        with Database(place) as there:
            name = place.database.database if place.database.url is None else there.address.database
            refuse_content(there.address, name)
            erased.update(_living_tombstones(database))
            started = time.monotonic()
            provision(place)
            draft = f"{name[:50]}_restoring"
            load(source, there, draft)
            erased_rows = _replay(there.address, draft, erased)
            _analyze(there.address, draft)
            left_out = _restore_dagster(source, there)
            try:
                with held_empty(there.address, name) as is_there:
                    closed.publish(there.address, draft, name, replaces=is_there)
            except InvalidInput:
                closed.drop(there.address, draft)  # the target was filled meanwhile
                raise
    return RestoreReceipt(
        id=source.manifest.id,
        target=name,
        home=str(place.home) if place.is_embedded else None,
        tables=len(source.manifest.parts[PLATFORM]),
        is_compared=True,
        erased_rows=erased_rows,
        restore_seconds=time.monotonic() - started,
        left_out=left_out,
    )


def _recover(
    database: Database,
    source: Source,
    place: AnalyticsConfig,
    until: Until | None,
    erased: tombstones.Tombstones,
) -> RestoreReceipt:
    """Restore a physical backup into a home folder without a database."""
    manifest, mark = source.manifest, source.manifest.physical
    is_other_name = place.database.database != _embedded(database.config).database.database
    if mark is None or not place.is_embedded or is_other_name:
        raise InvalidInput(
            f"backup {manifest.id} is a whole server: name a new home folder as target"
        )
    if until is not None:
        latest_log(database)
    started = time.monotonic()
    place = place.replace(database={"database": mark.database})
    with (
        recovered(database.config, source.folder, manifest, place.home, until) as lease,
        Database(place) as there,
    ):
        if until is None:
            compare(source, PLATFORM, lease.conninfo(mark.database), there)
        erased_rows = _replay(there.address, mark.database, erased)
        open_to_all(place.home, lease)
        provision(place)
    return RestoreReceipt(
        id=manifest.id,
        target=mark.database,
        home=str(place.home),
        tables=len(manifest.parts[PLATFORM]),
        is_compared=until is None,
        erased_rows=erased_rows,
        restore_seconds=time.monotonic() - started,
    )


def _newest_drilled(config: AnalyticsConfig, until: Until | None) -> str:
    """Return the newest backup that counts; where a moment is asked for, of a whole server."""
    known = list_backups(config)
    drilled = newest_drilled(known)
    chosen = [one for name, one in drilled.items() if until is None or name != "dump"]
    if chosen:
        return max(chosen, key=lambda one: one.created_at).id
    if until is not None:
        raise InvalidInput(
            f"there is no drilled physical backup in {config.backup.folder}, and only with one can "
            "a moment be chosen: make one with `ioc-analytics backup create --physical --drill`"
        )
    raise InvalidInput(
        f"none of the {len(known)} backups in {config.backup.folder} was drilled: name one by its "
        "id, or let `ioc-analytics backup drill` try it first"
    )


def _until(given: datetime | str | None) -> Until | None:
    if given is None:
        return None
    if given == LATEST:
        return Until(None)
    try:
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    except ValueError:
        raise InvalidInput(
            f"until is a moment such as 2026-11-25T14:30:00+00:00, or `latest`; {given!r} was given"
        ) from None
    return Until(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def load(source: Source, there: Database, name: str) -> None:
    """Restore the platform's part into a closed database and compare it.

    Raises:
        IntegrityFailure: The content is not the one that was backed up; the tables are named.
    """
    closed.make_closed(there.address, name)
    conninfo = closed.administrator_conninfo(there.address, name)
    _run_restore(source, there, PLATFORM, conninfo)
    compare(source, PLATFORM, conninfo, there)


def load_dagster(source: Source, there: Database, conninfo: str) -> None:
    """Restore Dagster's part into an empty database and compare it."""
    _run_restore(source, there, DAGSTER, conninfo, "--no-owner", "--no-privileges")
    compare(source, DAGSTER, conninfo, there)


def compare(source: Source, part: str, conninfo: str, there: Database) -> None:
    """Compare a restored database with the fingerprints of the manifest.

    Raises:
        IntegrityFailure: Something differs; the tables are named.
    """
    jobs = parallel_jobs(there.config.operations.parallel_processing)
    held = fingerprint_database(
        conninfo,
        jobs=jobs,
        hashing=source.manifest.hashing,
        advance=partial(source.progress, "tables"),
    )
    found = differences(source.manifest.parts[part], held)
    if found:
        raise IntegrityFailure(
            f"backup {source.manifest.id} restores to something else: {'; '.join(found[:10])}. "
            "Use another backup"
        )


def _run_restore(source: Source, there: Database, part: str, conninfo: str, *options: str) -> None:
    lease = there.lease
    clients, major = source.clients(
        there.address, lease.bin_folder if lease else there.config.pg_bin
    )
    jobs = parallel_jobs(there.config.operations.parallel_processing)
    arguments = [f"--jobs={jobs}", *options, str(source.folder / part)]
    if clients.major == major:
        arguments.insert(0, "--exit-on-error")
    run_client(clients.folder / "pg_restore", arguments, conninfo, _is_newer_setting_only)


def _is_newer_setting_only(said: str) -> bool:
    """Return whether a newer ``pg_restore`` missed nothing but a setting of its own version.

    It sets ``transaction_timeout`` (PostgreSQL 17) to 0 whatever the server is.
    """
    faults = [line for line in said.splitlines() if line.startswith("pg_restore: error:")]
    return bool(faults) and all(_NEWER_SETTING in line for line in faults)


def _target_config(config: AnalyticsConfig, target: str | Path | None) -> AnalyticsConfig:
    if target is None:
        return config
    text = str(target)
    if text.startswith(("postgresql://", "postgres://")):
        if len(urlsplit(text).path) < 2:
            raise InvalidInput("the target's address names no database after the host")
        return AnalyticsConfig.load(
            {},
            home=config.home,
            pg_bin=config.pg_bin,
            operations=config.operations,
            database={"url": text, "dagster_url": config.database.dagster_url},
        )
    if isinstance(target, Path) or "/" in text:
        home = Path(target).expanduser().absolute()
        _bring_key(config, home)
        return _embedded(config).replace(
            home=home, backup={"folder": config.backup.folder}, inbox={"path": home / "inbox"}
        )
    if config.database.url is not None:
        raise InvalidInput("give the whole address of the target: this installation has one too")
    return config.replace(database={"database": text})


def _embedded(config: AnalyticsConfig) -> AnalyticsConfig:
    """Return settings with an embedded server, whose home takes what another server held."""
    if config.is_embedded:
        return config
    url = config.database.url
    name = urlsplit(url.get_secret_value()).path[1:] if url else config.database.database
    return AnalyticsConfig.load(
        {},
        home=config.home,
        pg_bin=config.pg_bin,
        privacy=config.privacy,
        database={"database": name, "dagster_url": config.database.dagster_url},
    )


def _bring_key(config: AnalyticsConfig, home: Path) -> None:
    """Give a new home the key that its rows were made with; otherwise it would make another.

    Raises:
        ConfigurationError: The key is missing, or that home has another one.
    """
    if config.privacy.pseudonym_key or config.privacy.pseudonym_key_file:
        return
    key = load_key(config, makes=False)
    own, other = config.home / KEY_FILE_NAME, home / KEY_FILE_NAME
    if other.exists():
        if load_key(config.replace(home=home), makes=False) != key:
            raise ConfigurationError(
                f"{other} is another pseudonym key than that of the backups ({own}): what is "
                "restored there would join nothing; take it away, or name another home folder"
            )
        return
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    other.touch(mode=0o600)
    shutil.copyfile(own, other)


def _living_tombstones(database: Database) -> tombstones.Tombstones:
    if not database.is_there:
        return {}
    try:
        with database.connection("ingest") as connection:
            return tombstones.read(connection)
    except (ConfigurationError, InvalidInput, Unavailable):
        return {}  # the database is lost, away or bare: those beside the backups remain


def _replay(address: Address, name: str, erased: tombstones.Tombstones) -> int:
    if not erased:
        return 0
    with translated_errors(), connect_as_administrator(address, name) as connection:
        return tombstones.replay(connection, erased)


def _analyze(address: Address, name: str) -> None:
    """Give the planner its statistics, which no dump holds."""
    with translated_errors(), connect_as_administrator(address, name) as connection:
        connection.execute("ANALYZE")


def _restore_dagster(source: Source, there: Database) -> str | None:
    """Bring Dagster's part back into its empty database; return why it is left out, if it is."""
    if DAGSTER not in source.manifest.parts:
        return "Dagster's database: the backup does not hold it"
    conninfo = neighbour_conninfo(there, DAGSTER)
    if conninfo is None and there.lease is not None:
        neighbour_url(there, DAGSTER)
        conninfo = neighbour_conninfo(there, DAGSTER)
    if conninfo is None:
        return (
            "Dagster's database: name an empty one in DAGSTER_PG_URL, and pg_restore "
            f"{source.folder / DAGSTER} into it"
        )
    try:
        with reading(conninfo) as connection:
            is_taken = connection.execute(sqlfiles.query("backup/tables")).fetchone() is not None
    except (ConfigurationError, Unavailable) as fault:
        return f"Dagster's database: {fault}"
    if is_taken:
        return "Dagster's database: there is one with tables already, which stays as it is"
    load_dagster(source, there, conninfo)
    return None
