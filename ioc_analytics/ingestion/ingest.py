"""Taking batches in: claim, judge, write, commit; exactly once, whatever interrupts it.

For: the facade. Not for: reading files (``files.batches``), pseudonyms (``privacy``), or judging
records (the desks).

One batch is one transaction. Its ledger row, claimed first, commits with its data, so a process
that is killed at any moment leaves nothing behind, and running it again brings the same content.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb

from ioc_analytics.database.jobs import Job, noted_job
from ioc_analytics.database.pools import Database
from ioc_analytics.ingestion.desks import Desks
from ioc_analytics.ingestion.load import Load, Tally, as_batch
from ioc_analytics.ingestion.quarantine import FileOrigin
from ioc_analytics.ingestion.settling import settle_orphans
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import AnalyticsError, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy.values import storable_name
from ioc_analytics.records.contracts import CONTRACT_VERSION
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.kinds import KINDS
from ioc_analytics.records.receipts import IngestReceipt, KindCounts
from ioc_analytics.schema.catalogues import register_instruments
from ioc_analytics.states.catalogue import read_instruments

Progress = Callable[[str, int, float], None]
"""Called with the name of a batch, the records judged so far, and the share of it read by then."""

Note = Callable[[psycopg.Connection[Any], IngestReceipt], None]
"""Writes an entry about a batch, on the connection of its transaction."""


@dataclass(frozen=True, slots=True)
class AnonymisedChunk:
    """Some pseudonymised records of one kind."""

    kind: str
    table: pa.Table | pa.RecordBatch
    """Columns of ``ANONYMISED_SCHEMAS`` and the line columns."""

    file: str
    """File within the batch."""

    repairs: Mapping[str, int] = field(default_factory=dict)
    dropped_columns: frozenset[str] = frozenset()
    share: float = 0.0
    """How much of the batch was read when they came, 0 to 1."""


class AnonymisedBatch(Protocol):
    """What can be taken in: something with a digest that can be read more than once."""

    @property
    def name(self) -> str:
        """Name for people."""

    @property
    def key_id(self) -> str | None:
        """Pseudonym key that its ids were made with, where it is known."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about it."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments that it brings along."""

    def digest(self) -> bytes:
        """SHA-256 of its content."""

    def chunks(self) -> Iterator[AnonymisedChunk]:
        """Its records, parents before children."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to take a batch in."""

    is_check: bool = False
    """Judge, and write nothing."""

    allows_replacing: bool = False
    """Let records of the same version with other content replace what is stored."""

    run_id: str | None = None
    """Dagster run that asks for it."""

    progress: Progress | None = None

    note: Note | None = None
    """Told of the receipt in the batch's own transaction: what it writes commits with the batch."""


def ingest_batch(
    database: Database,
    config: AnalyticsConfig,
    name: str,
    open_batch: Callable[[], AnonymisedBatch],
    options: IngestOptions,
) -> IngestReceipt:
    """Take one batch in and return its receipt.

    Transient faults (a lost connection, a lock, another batch with the same responses at the same
    moment) are tried again as often as ``operations.retry_attempts`` says.

    Args:
        database: The database.
        config: The settings.
        name: Name of the file, folder or frames.
        open_batch: Opens it; what is refused then fails the job too.
        options: How to take it in.

    Raises:
        InvalidInput: The batch cannot be read, or is larger than the limits.
        Unavailable: The server could not be had, in spite of the retries.
        IntegrityFailure: The counts do not add up; nothing was written.
    """
    if options.is_check:
        return _Attempt(database, config, open_batch(), options).run()
    with file_job(database, "ingest", name, options.run_id) as job:
        batch = open_batch()
        return insist(job, config, lambda: _Attempt(database, config, batch, options).run())


def file_job(
    database: Database, job_type: str, name: str, run_id: str | None = None
) -> AbstractContextManager[Job]:
    """Note a job on a file for a block; a name that identifies somebody is not kept."""
    subject = storable_name(name)
    unsaid = None if subject == name else name
    return noted_job(database, job_type, subject, run_id, unsaid=unsaid)


def insist(job: Job, config: AnalyticsConfig, work: Callable[[], IngestReceipt]) -> IngestReceipt:
    """Do a job's work, again after transient faults, and count what its receipt counts."""
    while True:
        try:
            receipt = work()
        except AnalyticsError as error:
            if not _may_succeed_later(error) or job.attempts > config.operations.retry_attempts:
                raise
            time.sleep(min(0.1 * 2**job.attempts, 5.0))
            job.begin_again()
        else:
            job.count(receipt)
            return receipt


def _may_succeed_later(error: AnalyticsError) -> bool:
    # Two batches with the same new response at the same moment: the second one finds it stored
    # when it looks again.
    return error.is_transient or isinstance(error.__cause__, psycopg.errors.UniqueViolation)


class _Attempt:
    """One try at a batch: one transaction."""

    def __init__(
        self,
        database: Database,
        config: AnalyticsConfig,
        batch: AnonymisedBatch,
        options: IngestOptions,
    ) -> None:
        self._database = database
        self._config = config
        self._batch = batch
        self._options = options
        self._tally = Tally()
        self._rules: Counter[str] = Counter()
        self._repairs: Counter[str] = Counter()
        self._dropped: set[str] = set()
        self._started = time.monotonic()

    def run(self) -> IngestReceipt:
        content = digest = self._batch.digest()
        if self._options.allows_replacing:
            # Asking to replace is another request than the one that left conflicts behind.
            digest = bytes(byte ^ 0xFF for byte in digest)
        with ExitStack() as stack:
            connection = stack.enter_context(self._database.connection("ingest"))
            # A check leaves no trace: all it did in the transaction is taken back.
            stack.enter_context(connection.transaction(force_rollback=self._options.is_check))
            batch_id = claim_batch(connection, digest, self._batch.name, self._batch.key_id)
            if batch_id is None:
                return self._noted(connection, self._receipt_of_duplicate(connection, digest))
            register_instruments(connection, self._batch.instruments)
            load = open_load(connection, self._database, self._config, batch_id)
            load.key_id = self._batch.key_id
            load.is_check = self._options.is_check
            load.allows_replacing = self._options.allows_replacing
            settled = self._take_chunks(load)
            if self._options.allows_replacing:
                load.execute("settle_replaced", {"batch_id": batch_id, "digest": content})
                load.execute("settle_taken", {"batch_id": batch_id})
            receipt = self._receipt(load, settled)
            close_batch(load, receipt)
            return self._noted(connection, receipt)

    def _noted(self, connection: psycopg.Connection[Any], receipt: IngestReceipt) -> IngestReceipt:
        if self._options.note:
            self._options.note(connection, receipt)
        return receipt

    def _take_chunks(self, load: Load) -> int:
        desks = Desks(load)
        judged = 0
        for chunk in load.ahead(self._batch.chunks()):
            self._repairs.update(chunk.repairs)
            self._dropped.update(chunk.dropped_columns)
            records = as_batch(chunk.table)
            origin = FileOrigin(
                load.connection,
                load.batch_id,
                chunk.file,
                self._tally,
                self._rules,
                is_check=load.is_check,
            )
            origin.count(chunk.kind, "received", records.num_rows)
            judged += records.num_rows
            desks.take(chunk.kind, records, origin)
            if self._options.progress:
                self._options.progress(self._batch.name, judged, chunk.share)
        desks.close()
        # A check has written nothing that orphans could be judged against.
        return 0 if load.is_check else settle_orphans(load)

    def _receipt_of_duplicate(
        self, connection: psycopg.Connection[Any], digest: bytes
    ) -> IngestReceipt:
        row = connection.execute(
            sqlfiles.query("ingestion/loaded_batch"), {"digest": digest}
        ).fetchone()
        if row is None:
            raise Unavailable("the batch was undone while it was looked at; try again")
        counts = {
            kind: KindCounts(received=c["received"], duplicates=c["received"])
            for kind, c in row[1]["by_kind"].items()
        }
        return IngestReceipt(
            batch_id=row[0],
            name=self._batch.name,
            by_kind=counts,
            is_duplicate=True,
            warnings=self._batch.warnings,
            duration_seconds=time.monotonic() - self._started,
        )

    def _receipt(self, load: Load, settled: int) -> IngestReceipt:
        tally = self._tally
        outcomes = ("received", "accepted", "duplicates", "quarantined")
        return IngestReceipt(
            batch_id=None if load.is_check else load.batch_id,
            name=self._batch.name,
            by_kind={
                kind: KindCounts(*(tally.get(kind, outcome) for outcome in outcomes))
                for kind in KINDS
                if tally.get(kind, "received")
            },
            repairs=dict(self._repairs),
            quarantine=dict(self._rules),
            dropped_columns=tuple(sorted(self._dropped)),
            touched_days=tuple(load.touched_days()),
            settled=settled,
            warnings=self._batch.warnings,
            duration_seconds=time.monotonic() - self._started,
        )


def claim_batch(
    connection: psycopg.Connection[Any], digest: bytes, name: str, key_id: str | None
) -> int | None:
    """Take a batch for this transaction and return its number; None when it is loaded already."""
    # Sealing takes this lock alone: no batch may commit rows between its recount and its seal.
    connection.execute(sqlfiles.query("ingestion/share_ingestion"))
    row = connection.execute(
        sqlfiles.query("ingestion/claim_batch"),
        {
            "digest": digest,
            "name": name,
            "contract_version": CONTRACT_VERSION,
            "key_id": key_id,
        },
    ).fetchone()
    return None if row is None else int(row[0])


def open_load(
    connection: psycopg.Connection[Any],
    database: Database,
    config: AnalyticsConfig,
    batch_id: int,
) -> Load:
    """Return the state of a batch that was just claimed."""
    return Load(
        connection=connection,
        database=database,
        config=config,
        batch_id=batch_id,
        instruments=read_instruments(connection),
    )


def close_batch(load: Load, receipt: IngestReceipt) -> None:
    """Write what closes a batch: replaced batches, touched days, the receipt."""
    batch_id = load.batch_id
    load.execute("note_replaced", {"batch_id": batch_id, "replaced": sorted(load.replaced_batches)})
    load.execute("touch_days", {"batch_id": batch_id, "days": load.touched_days()})
    load.execute("close_batch", {"batch_id": batch_id, "receipt": Jsonb(receipt.to_dict())})
