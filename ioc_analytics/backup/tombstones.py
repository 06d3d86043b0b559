"""Who was erased stays erased: tombstones outlive the database, a restore replays them.

For: making and restoring backups, and erasure, which calls :func:`keep`. Not for: erasing at the
first time.

A tombstone is younger than the backups that still hold its rows. Were it in the database only, it
would be lost with it; so it is also kept, signed, beside the backups.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psycopg

from ioc_analytics.backup.signing import SigningKey
from ioc_analytics.kernel import sqlfiles

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
    return {(kind, pseudonym): at for kind, pseudonym, at in key.read(path)["erasures"]}


def keep(folder: Path, key: SigningKey, tombstones: Tombstones) -> None:
    """Add tombstones to those beside the backups."""
    before = kept(folder, key)
    if set(tombstones) <= set(before):
        return
    entries = sorted([*name, at] for name, at in {**tombstones, **before}.items())
    key.write(folder / _FILE, {"erasures": entries})


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
