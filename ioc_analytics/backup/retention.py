"""Which backups go: planned first, the newest drilled one never.

For: ``prune_backups``, after a backup was made. Not for: the retention of rows (``maintenance``).
"""

import logging
import shutil
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path

from ioc_analytics.backup import archive, pgbackrest
from ioc_analytics.backup.catalogue import list_backups, locked_folder, mirror, newest_drilled
from ioc_analytics.backup.manifest import read_manifest
from ioc_analytics.backup.signing import signing_key
from ioc_analytics.database.clocks import demand_clocks
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import ConfigurationError, IntegrityFailure, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig, BackupSettings
from ioc_analytics.records.backups import Backup

_log = logging.getLogger(__name__)


def plan_pruning(backups: list[Backup], settings: BackupSettings, now: datetime) -> list[Backup]:
    """Return the backups that go, oldest first.

    One goes when it is past the horizon, or when it is neither among the newest ``keep_count`` nor
    younger than ``keep_days``. A backup with a fault takes no place among the newest. Of each
    method the newest drilled one stays.

    Args:
        backups: All of them, the newest first.
        settings: What stays.
        now: The present moment.
    """
    sound = [one for one in backups if one.fault is None]
    newest = {one.id for one in sound[: settings.keep_count]}
    kept = {one.id for one in newest_drilled(backups).values()}
    going = []
    for backup in backups:
        age = now - backup.created_at
        is_old = age > timedelta(days=settings.keep_days) and backup.id not in newest
        is_past = age > timedelta(days=settings.horizon_days)
        if (is_old or is_past) and backup.id not in kept:
            going.append(backup)
    return going[::-1] if kept else []


def prune_backups(
    database: Database,
    is_held: Callable[[datetime], bool] = lambda moment: False,
    only: Collection[str] | None = None,
) -> list[Backup]:
    """Delete what the plan says and return it; nothing goes before one backup was drilled.

    Args:
        database: The database.
        is_held: Whether a legal hold keeps a backup of that moment.
        only: Ids outside of which none goes; without it all may.

    Raises:
        IntegrityFailure: Something speaks against the clock: no age can be trusted.
    """
    config = database.config
    with locked_folder(config) as folder:
        known, now = list_backups(config), utc_now()
        planned = plan_pruning(known, config.backup, now)
        if planned:
            with database.connection("ingest") as connection:
                moments = [one.created_at for one in known if one.fault is None]
                demand_clocks(connection, now, config.retention.silence_days, moments)
        going = [
            one
            for one in planned
            if not is_held(one.created_at) and (only is None or one.id in only)
        ]
        for backup in tuple(going):
            try:
                _expire(config, Path(backup.location))
            except (ConfigurationError, Unavailable) as fault:
                # One that cannot go yet keeps none of the others from going.
                _log.warning("backup %s stays: %s", backup.id, fault)
                going.remove(backup)
                continue
            # Out of the catalogue at once; a kill in the middle leaves a draft for the next backup.
            draft = folder / f".{backup.id}.new"
            Path(backup.location).rename(draft)
            shutil.rmtree(draft)
        left = list_backups(config)
        archive.prune(config, left, now)
        mirror(database, left)
    return going


def _expire(config: AnalyticsConfig, folder: Path) -> None:
    """Let what a backup has in a repository of pgBackRest go."""
    try:
        mark = read_manifest(folder, signing_key(config)).repository
    except IntegrityFailure:
        return  # damaged: what it had there is not known any longer
    if mark is not None:
        pgbackrest.expire(config, mark)
