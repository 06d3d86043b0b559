"""What a backup consists of, in the words of its snapshot: files, tables, versions.

For: writing and judging backups. Not for: what became of it later (``backup.catalogue``).
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ioc_analytics.backup.fingerprints import Hashing
from ioc_analytics.backup.signing import SigningKey
from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.records.backups import Fingerprint, Method, PhysicalMark, RepositoryMark

MANIFEST: Final = "manifest.json"
STATE: Final = "state.json"
_CHUNK_BYTES: Final = 1024**2

Progress = Callable[[str], None]
"""Called with a word for each step, such as ``files`` after each file that was checked."""


def silent(step: str) -> None:
    """Tell nobody of progress."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """One file of a backup."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of ``manifest.json``."""

    id: str
    created_at: datetime
    server_version: str
    tool_version: str
    drift: tuple[str, ...]
    """What differed from the migrated schema when the backup was made."""

    parts: Mapping[str, Mapping[str, Fingerprint]]
    """Fingerprints by database: ``platform``, and ``dagster`` where it has one beside it."""

    files: Mapping[str, FileMark]

    physical: PhysicalMark | None = None
    """Of a whole server only."""

    repository: RepositoryMark | None = None
    """Of a backup by pgBackRest only."""

    hashing: Hashing = "record"
    """How the rows of the fingerprints are hashed."""

    @property
    def method(self) -> Method:
        """How the backup was made."""
        if self.repository is not None:
            return "pgbackrest"
        return "dump" if self.physical is None else "physical"

    def write(self, folder: Path, key: SigningKey) -> None:
        """Write it into the folder of its backup."""
        content = asdict(self) | {"created_at": self.created_at.isoformat()}
        key.write(folder / MANIFEST, content)


def read_manifest(folder: Path, key: SigningKey) -> Manifest:
    """Return the manifest of a backup after a look at its signature and its name.

    Raises:
        IntegrityFailure: It was changed, or is the manifest of another backup.
        ConfigurationError: It was signed with another key.
    """
    content: dict[str, Any] = key.read(folder / MANIFEST)
    if content["id"] != folder.name:
        raise IntegrityFailure(
            f"{folder / MANIFEST} belongs to backup {content['id']}, not to {folder.name}: "
            "the folder was renamed; give it its own name back"
        )
    return Manifest(
        id=content["id"],
        created_at=datetime.fromisoformat(content["created_at"]),
        server_version=content["server_version"],
        tool_version=content["tool_version"],
        drift=tuple(content["drift"]),
        parts={
            part: {name: Fingerprint(**mark) for name, mark in tables.items()}
            for part, tables in content["parts"].items()
        },
        files={name: FileMark(**mark) for name, mark in content["files"].items()},
        hashing=content.get("hashing", "text"),
        physical=PhysicalMark(**content["physical"]) if content.get("physical") else None,
        repository=RepositoryMark(**content["repository"]) if content.get("repository") else None,
    )


def mark_files(
    folder: Path, *, syncs: bool = False, advance: Callable[[], None] = lambda: None
) -> dict[str, FileMark]:
    """Return every file below a folder, manifest and state left out.

    Args:
        folder: A backup.
        syncs: Wait until each is on the disk.
        advance: Called after each file.
    """
    own = {MANIFEST, STATE}
    paths = (path for path in sorted(folder.rglob("*")) if not path.is_dir())
    names = ((path, str(path.relative_to(folder))) for path in paths)
    chosen = [(path, name) for path, name in names if name not in own]

    def mark(one: tuple[Path, str]) -> FileMark:
        found = mark_file(one[0], syncs=syncs)
        advance()
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing lets other threads run
        marks = pool.map(mark, chosen)
        return {name: mark for (_, name), mark in zip(chosen, marks, strict=True)}


def mark_file(
    path: Path, *, syncs: bool = False, advance: Callable[[int], None] | None = None
) -> FileMark:
    """Return size and SHA-256 of one file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            if advance is not None:
                advance(len(chunk))
        if syncs:
            os.fsync(file.fileno())
    return FileMark(size, digest.hexdigest())
