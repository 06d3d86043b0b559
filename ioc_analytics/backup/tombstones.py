"""Who was erased stays erased: tombstones outlive the database, a restore replays them.

For: making and restoring backups, and erasure, which calls :func:`keep_all`. Not for: erasing at
the first time.

A tombstone is younger than the backups that still hold its rows. Were it in the database only, it
would be lost with it; so it is also kept, signed, beside the backups.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psycopg

from ioc_analytics.backup.catalogue import begin_key, locked_folder
from ioc_analytics.backup.signing import SigningKey
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import IntegrityFailure

_FILE: Final = "erasures.json"

Tombstones = Mapping[tuple[str, str], str]
"""Moment of the erasure (ISO text) by kind and pseudonym."""


def read(connection: psycopg.Connection[Any]) -> Tombstones:
    """Return the tombstones of a database."""
    rows = connection.execute(sqlfiles.query("backup/tombstones")).fetchall()
    return {(kind, pseudonym): moment.isoformat() for kind, pseudonym, moment in rows}


def kept(folder: Path, key: SigningKey) -> Tombstones:
    """Return the tombstones beside the backups.

    Raises:
        IntegrityFailure: They were changed.
        ConfigurationError: They were signed with another key.
    """
    path = folder / _FILE
    if not path.exists():
        return {}
    try:
        content = key.read(path)
    except IntegrityFailure as fault:
        raise IntegrityFailure(
            f"{path} was changed after it was signed, and without it people who were erased would "
            "come back: bring it back from a copy of the folder"
        ) from fault
    return {(kind, pseudonym): at for kind, pseudonym, at in content["erasures"]}


def keep(folder: Path, key: SigningKey, tombstones: Tombstones) -> None:
    """Add tombstones to those beside the backups."""
    before = kept(folder, key)
    if set(tombstones) <= set(before):
        return
    entries = sorted([*name, at] for name, at in {**tombstones, **before}.items())
    key.write(folder / _FILE, {"erasures": entries})


def keep_all(database: Database) -> None:
    """Keep the tombstones of a database beside its backups at once, as erasure does at its end.

    Raises:
        IntegrityFailure: Those kept so far were changed.
        Unavailable: Another process has been at work in the folder for a minute.
    """
    with locked_folder(database.config) as folder, database.connection("ingest") as connection:
        keep(folder, begin_key(database.config), read(connection))


def replay(connection: psycopg.Connection[Any], tombstones: Tombstones) -> int:
    """Erase again in one transaction, and return how many rows went."""
    erased = 0
    with connection.transaction():
        for (kind, pseudonym), moment in tombstones.items():
            row = connection.execute(
                sqlfiles.query("backup/erase"),
                {"kind": kind, "pseudonym": pseudonym, "erased_at": moment},
            ).fetchone()
            erased += row[0] if row else 0
    return erased
