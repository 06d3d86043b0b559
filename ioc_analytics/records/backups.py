"""What a backup is, as people and programs see it, and what a restore did.

For: backup, facade, command line. Not for: what is written beside the files (``backup.manifest``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args

from ioc_analytics.records.answers import to_json

State = Literal["written", "verified", "drilled"]
Method = Literal["dump", "physical", "pgbackrest"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a table holds, whatever the order of its rows and the version of its server."""

    rows: int
    """Rows."""

    digest: str
    """128 bits in hex: two sums, modulo 2**64, of a hash of each row's text."""


@dataclass(frozen=True, slots=True)
class PhysicalMark:
    """What is known of a physical backup beside its files."""

    point: str
    """Name of the point in the log that its fingerprints are of."""

    log_start: str
    """First segment of the log that its recovery needs."""

    system: str
    """Number of the server's data."""

    superuser: str
    """The first superuser of the server."""

    database: str
    """The platform's database on it."""


@dataclass(frozen=True, slots=True)
class RepositoryMark:
    """Where a backup lies that pgBackRest made."""

    stanza: str
    """Its name for the server."""

    label: str
    """Its name for the backup."""

    size: int
    """Bytes in its repository."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup."""

    id: str
    created_at: datetime
    """Moment of its snapshot."""

    size: int
    """Bytes on disk."""

    location: str
    """Its folder."""

    checksum: str
    """SHA-256 of its signed manifest, which holds one of every file."""

    state: State
    """``written``; ``verified``: every file is as it was written; ``drilled``: it was restored,
    and the restored content is the one that was backed up."""

    fingerprints: Mapping[str, Fingerprint] = field(default_factory=dict)
    """Per table and partition, by ``schema.table``; Dagster's by ``dagster:schema.table``."""

    method: Method = "dump"
    """``dump``: one moment of the platform's databases, for any server that is not older;
    ``physical``: the whole server and its log, for any moment since; ``pgbackrest``: the same, in
    the repository of that program."""

    log_start: str | None = None
    """Number of a physical backup's data and first segment of the log that it needs."""

    server_version: str = ""
    verified_at: datetime | None = None
    drilled_at: datetime | None = None
    restore_seconds: float | None = None
    """How long its drill took to restore and compare it; None before."""

    fault: str | None = None
    """What is wrong with it, as last seen; a backup with a fault does not count."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class UpgradeReceipt:
    """What moving an embedded server to another major version did."""

    from_version: str
    """Version that made the data before."""

    to_version: str
    """Version that they are in now."""

    backup: str | None
    """The drilled backup that they went through; None: they were in that version already."""

    old_data: str | None
    """Folder of the old data: complete, and nobody's but the user's to delete."""

    left_databases: tuple[str, ...]
    """Databases on the old server that are not the platform's: they are in the old data only."""

    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class RestoreReceipt:
    """What a restore did."""

    id: str
    """The backup."""

    target: str
    """The database that holds it now."""

    home: str | None
    """Home folder of the installation that owns it; None for a server of one's own."""

    tables: int
    """Tables and partitions of the backup."""

    is_compared: bool
    """Whether all were found equal to those backed up; a later moment has nothing to be compared
    with."""

    erased_rows: int
    """Rows taken out again, of people and organizations erased since."""

    restore_seconds: float

    left_out: str | None = None
    """What was not restored, and why."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}
