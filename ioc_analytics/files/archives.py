"""Archives: raw rows of a month as Parquet files with a manifest, in a folder that ingestion takes.

For: ``maintenance.archive``, which writes them, and ``ingestion.archives``, which reads them back.
Not for: operational files (``files.batches``): these rows are pseudonymised already.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.records.kinds import KINDS
from ioc_analytics.records.tables import ANONYMISED_SCHEMAS, ID_TYPE

MANIFEST: Final = "archive.json"
_FORMAT: Final = "ioc-analytics archive 1"

SCHEMAS: Final = {
    kind: pa.schema(
        [
            (field.name, pa.string() if field.type == ID_TYPE else field.type)
            for field in ANONYMISED_SCHEMAS[kind]
        ]
    )
    for kind in KINDS
}
"""Columns of each file: those that ingestion takes, ids as the 36 characters of a UUID."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One file of an archive."""

    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ArchiveManifest:
    """What an archive holds."""

    month: str
    """Such as ``2024-03``."""

    last_batch: int
    """Newest batch of the rows."""

    batches: tuple[int, ...]
    key_ids: tuple[str, ...]
    """Pseudonym keys that the ids were made with; empty when they came as pseudonyms."""

    contract_version: str
    written_at: str
    """ISO text, UTC."""

    files: Mapping[str, ArchivedFile]
    """By kind of record; its file is ``KIND.parquet``."""


def is_archive(path: Path) -> bool:
    """Whether a path is the folder of an archive."""
    return (path / MANIFEST).is_file()


@contextmanager
def new_archive(folder: Path) -> Iterator[Path]:
    """Lend a draft of the folder, which takes its place at the end, safe on the disk."""
    draft = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    yield draft
    _sync(draft)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    _sync(folder.parent)


def write_records(draft: Path, kind: str, batches: Iterable[pa.RecordBatch]) -> ArchivedFile:
    """Write the records of one kind."""
    path, rows = _file(draft, kind), 0
    with pq.ParquetWriter(path, SCHEMAS[kind], compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    _sync(path)
    return ArchivedFile(rows, path.stat().st_size, _digest(path))


def write_manifest(draft: Path, manifest: ArchiveManifest) -> None:
    """Write what the archive holds beside its files."""
    text = json.dumps({"format": _FORMAT, **asdict(manifest)}, indent=2)
    (draft / MANIFEST).write_text(text, encoding="utf-8")
    _sync(draft / MANIFEST)


def read_manifest(folder: Path) -> ArchiveManifest:
    """Return what an archive holds.

    Raises:
        IntegrityFailure: The manifest is damaged, or of another format.
    """
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if content.pop("format") != _FORMAT:
            raise ValueError("another format")
        content["files"] = {kind: ArchivedFile(**one) for kind, one in content["files"].items()}
        for name in ("batches", "key_ids"):
            content[name] = tuple(content[name])
        return ArchiveManifest(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise IntegrityFailure(
            f"{folder / MANIFEST} is no manifest of an archive of this release: bring it back "
            "from a copy"
        ) from fault


def check_archive(folder: Path, manifest: ArchiveManifest) -> None:
    """Compare the files of an archive with its manifest.

    Raises:
        IntegrityFailure: A file is missing or was changed; it is named.
    """
    for kind, wanted in manifest.files.items():
        path = _file(folder, kind)
        if kind not in KINDS or not path.is_file() or _digest(path) != wanted.sha256:
            raise IntegrityFailure(
                f"{path} is not as it was written: bring it back from a copy; nothing was taken in"
            )


def read_records(folder: Path, kind: str, rows_at_once: int) -> Iterator[pa.Table]:
    """Yield the records of one kind, some at once."""
    with pq.ParquetFile(_file(folder, kind)) as file:
        for batch in file.iter_batches(rows_at_once):
            yield pa.Table.from_batches([batch])


def _file(folder: Path, kind: str) -> Path:
    return folder / f"{kind}.parquet"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
