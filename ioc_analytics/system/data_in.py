"""The facade: verbs that bring data in and take it out again."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from ioc_analytics.database.jobs import noted_job
from ioc_analytics.files.archives import is_archive
from ioc_analytics.files.batches import open_batch
from ioc_analytics.files.mapping_records import Mapping as SurveyMapping
from ioc_analytics.files.mappings import load_mapping
from ioc_analytics.ingestion.archives import ArchiveBatch
from ioc_analytics.ingestion.ingest import IngestOptions, Note, Progress, ingest_batch
from ioc_analytics.ingestion.quarantine import QuarantineEntry, list_entries, read_entry
from ioc_analytics.ingestion.repair import retry_from
from ioc_analytics.ingestion.retry import retry_quarantine
from ioc_analytics.ingestion.sources import FileBatch, FrameBatch
from ioc_analytics.ingestion.undo import undo_batch
from ioc_analytics.kernel.errors import AnalyticsError, InvalidInput
from ioc_analytics.records.receipts import IngestReceipt, UndoReceipt, combine
from ioc_analytics.system.base import SystemBase


class DataIn(SystemBase):
    """Ingestion, undo, quarantine, pseudonyms."""

    def ingest_data(self, data: Mapping[str, Any]) -> IngestReceipt:
        """Take anonymised frames in: see ``FrameBatch`` for what is accepted.

        Raises:
            PrivacyRefusal: Something in the frames identifies somebody.
        """
        self.demand_analyst("take data in")
        batch_size = self.config.operations.batch_size
        return ingest_batch(
            self.database,
            self.config,
            FrameBatch.name,
            lambda: FrameBatch(data, batch_size),
            IngestOptions(note=self._noting("ingest")),
        )

    def ingest_files(
        self,
        *paths: str | Path,
        mapping: str | Path | None = None,
        replace: bool = False,
        check: bool = False,
        progress: Progress | None = None,
        run_id: str | None = None,
    ) -> IngestReceipt:
        """Take operational files in, pseudonymised on the way; each path is a batch.

        Args:
            paths: Files, folders, or archives that retention wrote.
            mapping: TOML mapping of a wide export.
            replace: Let records of the same version with other content replace what is stored.
            check: Judge, and write nothing.
            progress: Called with the name of the batch, the records judged so far, and the share
                of its bytes that was read by then (0 to 1).
            run_id: Dagster run that asks for it.

        Returns:
            One receipt; over several paths, ``.batches`` has the single ones.

        Raises:
            InvalidInput: A path cannot be read; ``.receipts`` of this and any other error of the
                platform has those of the paths before it, which stay.
        """
        self.demand_analyst("take files in")
        if not paths:
            raise InvalidInput("no file was given; name a file or folder to ingest")
        if check:
            self._note("check", f"{len(paths)} batches")  # its own transaction is taken back
        options = IngestOptions(
            is_check=check,
            allows_replacing=replace,
            run_id=run_id,
            progress=progress,
            note=None if check else self._noting("ingest"),
        )
        shape = self._shape(mapping)
        receipts: list[IngestReceipt] = []
        for path in map(Path, paths):
            opening = partial(self._open, path, shape)
            try:
                receipts.append(
                    ingest_batch(self.database, self.config, path.name, opening, options)
                )
            except AnalyticsError as error:
                error.receipts = tuple(receipts)
                raise
        return combine(tuple(receipts))

    def _open(self, path: Path, shape: SurveyMapping | None) -> ArchiveBatch | FileBatch:
        if not is_archive(path):
            return self._file_batch(path, shape)
        batch_size = self.config.operations.batch_size
        return ArchiveBatch(path, self._pseudonymizer().key_id, batch_size)

    def _noting(self, action: str) -> Note:
        def note(connection: psycopg.Connection[Any], receipt: IngestReceipt) -> None:
            subject = f"batch {receipt.batch_id}: {receipt.name}"
            self._audit(connection, action, subject, row_count=receipt.accepted)

        return note

    def undo_batch(self, batch_id: int) -> UndoReceipt:
        """Take a batch out again."""
        self.demand_analyst("undo a batch")
        with noted_job(self.database, "undo", f"batch {batch_id}") as job:
            with self.database.connection("ingest") as connection:
                receipt = undo_batch(connection, self.database, self.config, batch_id)
                rows = receipt.records_processed
                self._audit(connection, "undo", f"batch {batch_id}", row_count=rows)
            job.count(receipt)
        return receipt

    def list_quarantine(
        self,
        *,
        batch_id: int | None = None,
        rule: str | None = None,
        status: str = "waiting",
        limit: int = 100,
    ) -> list[QuarantineEntry]:
        """Return records put aside, newest first."""
        self.demand_analyst("see the quarantine")
        self._note_answer("list_quarantine", batch_id, rule, status, limit)
        with self.database.connection("analyst") as connection:
            return list_entries(
                connection, batch_id=batch_id, rule=rule, status=status, limit=limit
            )

    def show_quarantine(self, number: int) -> QuarantineEntry:
        """Return one record put aside, with its pseudonymised content."""
        self.demand_analyst("see the quarantine")
        self._note_answer("show_quarantine", number)
        with self.database.connection("analyst") as connection:
            return read_entry(connection, number)

    def retry_quarantine(
        self,
        *,
        batch_id: int | None = None,
        ids: Sequence[int] | None = None,
        source: str | Path | None = None,
        mapping: str | Path | None = None,
    ) -> IngestReceipt:
        """Judge records in quarantine again, from what is stored of them or from a repaired file.

        Args:
            batch_id: Only records of this batch.
            ids: Only these entries.
            source: The file or folder they came from, repaired: the same names, and every line
                where it was.
            mapping: TOML mapping of the source, if it is a wide export.

        Raises:
            InvalidInput: Nothing waits for the source, or records of several batches do.
        """
        self.demand_analyst("judge the quarantine again")
        note = self._noting("retry")
        if source is not None:
            path, shape = Path(source), self._shape(mapping)
            return retry_from(
                self.database,
                self.config,
                path.name,
                lambda: self._file_batch(path, shape),
                batch_id=batch_id,
                ids=ids,
                note=note,
            )
        if mapping is not None:
            raise InvalidInput("a mapping reads a file; give the repaired one as source")
        return retry_quarantine(self.database, self.config, batch_id=batch_id, ids=ids, note=note)

    def _shape(self, mapping: str | Path | None) -> SurveyMapping | None:
        return None if mapping is None else load_mapping(Path(mapping))

    def _file_batch(self, path: Path, shape: SurveyMapping | None) -> FileBatch:
        batch = open_batch(
            path,
            mapping=shape,
            limits=self.config.limits,
            batch_size=self.config.operations.batch_size,
        )
        return FileBatch(batch, self._pseudonymizer())
