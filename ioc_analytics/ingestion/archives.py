"""An archive of raw rows, taken in again as one batch of pseudonymised records.

For: the facade's ``ingest_files``. Not for: writing archives (``maintenance.archive``).
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from ioc_analytics.files.archives import MANIFEST, check_archive, read_manifest, read_records
from ioc_analytics.ingestion.ingest import AnonymisedChunk
from ioc_analytics.privacy.check import refuse_identifiable
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.kinds import KINDS, QUESTION_RESPONSES

_ANSWERS_PER_RESPONSE = 128


class ArchiveBatch:
    """One archive."""

    instruments: tuple[Instrument, ...] = ()

    def __init__(self, folder: Path, own_key: str, batch_size: int) -> None:
        """Check the archive.

        Args:
            folder: Its folder.
            own_key: Id of this installation's pseudonym key.
            batch_size: Responses per chunk.

        Raises:
            IntegrityFailure: A file is not as it was written.
        """
        self._folder, self._batch_size = folder, batch_size
        self._manifest = read_manifest(folder)
        check_archive(folder, self._manifest)
        self.name = folder.name
        strangers = sorted(set(self._manifest.key_ids) - {own_key})
        self.warnings: tuple[str, ...] = ()
        if strangers:
            self.warnings = (
                f"its pseudonyms were made with key {', '.join(strangers)}, this installation's "
                f"key is {own_key}: people and organizations will not join with those that are "
                "here",
            )

    @property
    def key_id(self) -> str | None:
        """Id of the key that its pseudonyms were made with; None: several, or unknown."""
        keys = self._manifest.key_ids
        return keys[0] if len(keys) == 1 else None

    def digest(self) -> bytes:
        """SHA-256 of its manifest, which names one of each file."""
        return hashlib.sha256((self._folder / MANIFEST).read_bytes()).digest()

    def chunks(self) -> Iterator[AnonymisedChunk]:
        """Yield the records in chunks."""
        total = sum(file.rows for file in self._manifest.files.values())
        read = 0
        for kind in KINDS:
            if kind not in self._manifest.files:
                continue
            size = self._batch_size
            size *= _ANSWERS_PER_RESPONSE if kind == QUESTION_RESPONSES else 1
            for table in read_records(self._folder, kind, size):
                result = refuse_identifiable(kind, table)
                read += table.num_rows
                yield AnonymisedChunk(
                    kind, result.table, f"{kind}.parquet", result.repairs, share=read / total
                )
