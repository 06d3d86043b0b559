"""Whether the platform is well: eight checks, none of which raises because something is down.

For: ``health_check`` and the ``health`` command. Not for: repairing, or judging stored data
(``monitoring.integrity``).
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import psycopg

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import AnalyticsError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.monitoring.host import fullest_disk, watched_folders
from ioc_analytics.monitoring.limits import limits_of
from ioc_analytics.monitoring.server import read_one, read_quality_score
from ioc_analytics.records.health import Check, Checks, Health
from ioc_analytics.schema.migrations import plan

_UNSEEN: Final = Check("unknown", "the database cannot be asked")
Connection = psycopg.Connection[Any]


def check_health(database: Database) -> Health:
    """Look at every part of the platform; a part that cannot be looked at is unknown."""
    started, moment = time.perf_counter(), utc_now()
    config = database.config
    names = ("migrations", "partitions", "backups", "freshness", "data_quality", "pool")
    found = dict.fromkeys(names, _UNSEEN)
    try:
        with database.connection("ingest") as connection:
            answered = (time.perf_counter() - started) * 1000
            found["database"] = Check("healthy", f"answers after {answered:.0f} ms")
            for name, check in _INSIDE.items():
                found[name] = _guarded(connection, check, config)
    except AnalyticsError as error:
        found["database"] = Check("unhealthy", str(error))
    except psycopg.Error as error:
        found["database"] = Check("unhealthy", f"went away: {type(error).__name__}")
    # Asked last: an embedded server is found only by connecting to it.
    found["storage"] = check_storage(database)
    return Health(Checks(**found), moment, time.perf_counter() - started)


def check_storage(database: Database) -> Check:
    """Look at the disks that the platform writes to."""
    return _storage(database.config, watched_folders(database.config, database.lease))


def _guarded(
    connection: Connection,
    check: Callable[[Connection, AnalyticsConfig], Check],
    config: AnalyticsConfig,
) -> Check:
    try:
        with connection.transaction():
            return check(connection, config)
    except AnalyticsError as error:
        return Check("unhealthy", str(error))
    except psycopg.ProgrammingError:
        return Check("unhealthy", "the schema cannot answer this: run `ioc-analytics init`")


def _migrations(connection: Connection, config: AnalyticsConfig) -> Check:
    pending = plan(connection).pending
    if pending:
        return Check("unhealthy", f"{len(pending)} files of schema are pending: `migrate up`")
    return Check("healthy", "the schema is that of this release")


def _partitions(connection: Connection, config: AnalyticsConfig) -> Check:
    months = read_one(connection, "platform")["runway_months"]
    status = limits_of(config).judge("platform", "runway_months", months)
    return Check(status, f"made for {months:.0f} more months")


def _storage(config: AnalyticsConfig, folders: Iterable[Path]) -> Check:
    disk = fullest_disk(folders)
    if disk is None:
        return Check("unknown", "no disk of the platform can be seen from here")
    percent, free = disk
    where = (
        "" if config.is_embedded else " on this host; the server's disk cannot be seen from here"
    )
    detail = f"{percent:.0f} % in use, {free / 1024**3:.1f} GiB free{where}"
    return Check(limits_of(config).judge("host", "disk_usage", percent), detail)


def _backups(connection: Connection, config: AnalyticsConfig) -> Check:
    if not config.enable_backups:
        return Check("healthy", "switched off (ANALYTICS_ENABLE_BACKUPS)")
    found = read_one(connection, "drilled_backup")
    age = found["backup_age_hours"]
    if age is None:
        is_new = found["installed_age_hours"] < limits_of(config).degraded(
            "platform", "backup_age_hours"
        )
        return Check("healthy" if is_new else "degraded", "no backup has been drilled yet")
    status = limits_of(config).judge("platform", "backup_age_hours", age)
    seconds = found["restore_seconds"]
    detail = f"the newest drilled backup is {age:.0f} hours old, its restore took {seconds:.0f} s"
    return Check(status, detail)


def _freshness(connection: Connection, config: AnalyticsConfig) -> Check:
    age = read_one(connection, "platform")["batch_age_hours"]
    if age is None:
        return Check("healthy", "nothing has been loaded yet")
    status = limits_of(config).judge("platform", "batch_age_hours", age)
    return Check(status, f"the newest batch is {age:.0f} hours old")


def _quality(connection: Connection, config: AnalyticsConfig) -> Check:
    score = read_quality_score(connection)
    if score is None:
        return Check("unknown", "not evaluated yet: ioc-analytics health --evaluate")
    return Check(limits_of(config).judge("platform", "quality_score", score), f"{score:.0f} of 100")


def _pool(connection: Connection, config: AnalyticsConfig) -> Check:
    used = read_one(connection, "server")["connections_percent"]
    status = limits_of(config).judge("database", "connections_percent", used)
    return Check(status, f"{used:.0f} % of the server's connections in use")


_INSIDE: Final = {
    "migrations": _migrations,
    "partitions": _partitions,
    "backups": _backups,
    "freshness": _freshness,
    "data_quality": _quality,
    "pool": _pool,
}
