"""An embedded server's data move to the next major version, through a drilled backup.

For: ``upgrade_server``. Not for: servers of one's own: there ``restore_backup`` takes the address
of the newer one.

The old data folder is only read, and stays where it is. Killed at any point, the installation is
either the old one or the new one, and running the upgrade again finishes or begins anew.
"""

import time
from collections.abc import Callable
from pathlib import Path

from psycopg import sql

from ioc_analytics.backup.catalogue import begin_key
from ioc_analytics.backup.drill import drill_backup
from ioc_analytics.backup.dump import create_backup
from ioc_analytics.backup.restore import restore_to
from ioc_analytics.database import succession
from ioc_analytics.database.binaries import (
    Binaries,
    candidate_folders,
    find_binaries,
    inspect_folder,
)
from ioc_analytics.database.neighbours import DAGSTER
from ioc_analytics.database.passwords import scram_verifier
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.errors import ConfigurationError
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.keys import KEY_FILE_NAME
from ioc_analytics.records.backups import UpgradeReceipt

Progress = Callable[[str], None]

STOP_TIMEOUT_SECONDS = 60
"""How long programs that are about to end may still use the server."""


def upgrade_server(config: AnalyticsConfig, progress: Progress | None = None) -> UpgradeReceipt:
    """Move the data of a home to the PostgreSQL that its settings lead to.

    Args:
        config: The installation; nobody else may use it meanwhile.
        progress: Called with a word for each step.

    Raises:
        ConfigurationError: The server is not ours, the programs of the old version are gone, or
            those found are older than the data.
        IntegrityFailure: What was backed up is not what was restored; the old data stay in use.
        Unavailable: Another process uses the server, or the disk is full.
    """
    if not config.is_embedded:
        raise ConfigurationError(
            "only an embedded server is upgraded here; make a newer server ready and restore a "
            "backup into it: `ioc-analytics backup restore ID --target postgresql://...`"
        )
    say = progress or (lambda step: None)
    started = time.monotonic()
    succession.current_cluster(config.home)  # or there is nothing to upgrade
    with succession.stopped_server(config.home, STOP_TIMEOUT_SECONDS):
        succession.clear(config.home)
        old = succession.current_cluster(config.home)
        new = find_binaries(config.pg_bin)
        if old.major == new.major:
            return UpgradeReceipt(
                new.version, new.version, None, None, (), time.monotonic() - started
            )
        programs = _programs_of(config, old.major or 0, new)
        before = _settings(config, succession.lend_old(config.home), programs.folder)
        after = _settings(config, succession.make_new(config.home, new.major), config.pg_bin)
        with Database(before) as source:
            say(f"backing PostgreSQL {programs.version} up")
            backup = create_backup(source)
            say("restoring the backup on trial")
            drill_backup(source, backup.id)
            left = _other_databases(source)
            say(f"restoring into PostgreSQL {new.version}")
            restore_to(source, backup.id, after)
        with Database(after) as successor:
            _keep_password(successor, succession.superuser_password(config.home))
        succession.succeed(config.home)
        succession.clear(config.home)
    seconds = time.monotonic() - started
    return UpgradeReceipt(programs.version, new.version, backup.id, str(old.folder), left, seconds)


def _settings(config: AnalyticsConfig, home: Path, pg_bin: Path | None) -> AnalyticsConfig:
    """Return the settings of an installation, from another home and programs."""
    begin_key(config)
    has_key = config.privacy.pseudonym_key or config.privacy.pseudonym_key_file
    privacy = {} if has_key else {"pseudonym_key_file": config.home / KEY_FILE_NAME}
    return config.replace(
        home=home,
        pg_bin=pg_bin,
        backup={"folder": config.backup.folder},
        privacy=privacy,
        # What is on this server moves; a Dagster that has its database elsewhere stays there.
        database={"dagster_url": None},
    )


def _programs_of(config: AnalyticsConfig, major: int, new: Binaries) -> Binaries:
    if new.major < major:
        raise ConfigurationError(
            f"the data are of PostgreSQL {major}, and {new.folder} is PostgreSQL {new.version}: "
            "there is no way back to an older version"
        )
    recorded = succession.recorded_programs(config.home)
    for folder in [*([recorded] if recorded else []), *candidate_folders()]:
        try:
            found = inspect_folder(folder)
        except ConfigurationError:
            continue
        if found.major == major:
            return found
    raise ConfigurationError(
        f"the data are of PostgreSQL {major}, and its programs are no longer on this machine: "
        "install them again until the data have moved"
    )


def _other_databases(source: Database) -> tuple[str, ...]:
    own = source.config.database.database
    with source.superuser_connection() as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> ALL(%s)"
            " ORDER BY datname",
            [["postgres", own, f"{own}_{DAGSTER}"]],
        ).fetchall()
    return tuple(str(name) for (name,) in rows)


def _keep_password(successor: Database, password: str) -> None:
    """Give the new server's superuser the password that the home's file says."""
    with successor.superuser_connection() as connection:
        user = connection.info.user
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(user), scram_verifier(connection, user, password)
            )
        )
