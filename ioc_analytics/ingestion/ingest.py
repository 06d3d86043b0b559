"""Taking batches in: claim, judge, write, commit; exactly once, whatever interrupts it.

For: the facade. Not for: reading files (``files.batches``), pseudonyms (``privacy``), or judging
records (the desks).

One batch is one transaction. Its ledger row, claimed first, commits with its data, so a process
that is killed at any moment leaves nothing behind, and running it again brings the same content.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb

from ioc_analytics.database.pools import Database
from ioc_analytics.ingestion.desks import Desks
from ioc_analytics.ingestion.load import Load, Tally, as_batch
from ioc_analytics.ingestion.quarantine import FileOrigin
from ioc_analytics.ingestion.settling import settle_orphans
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import AnalyticsError, IntegrityFailure, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.contracts import CONTRACT_VERSION
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.kinds import KINDS
from ioc_analytics.records.receipts import IngestReceipt, KindCounts
from ioc_analytics.schema.catalogues import register_instruments
from ioc_analytics.states.catalogue import read_instruments

Progress = Callable[[str, int], None]
"""Called with the name of a batch and the records judged so far."""


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


class AnonymisedBatch(Protocol):
    """What can be taken in: something with a digest that can be read more than once."""

    @property
    def name(self) -> str:
        """Name for people."""

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

    key_id: str | None = None
    """Pseudonym key that the ids were made with."""

    run_id: str | None = None
    """Dagster run that asks for it."""

    progress: Progress | None = None


def ingest_batch(
    database: Database, config: AnalyticsConfig, batch: AnonymisedBatch, options: IngestOptions
) -> IngestReceipt:
    """Take one batch in and return its receipt.

    Transient faults (a lost connection, a lock, another batch with the same responses at the same
    moment) are tried again as often as ``operations.retry_attempts`` says.

    Raises:
        InvalidInput: The batch cannot be read, or is larger than the limits.
        Unavailable: The server could not be had, in spite of the retries.
        IntegrityFailure: The counts do not add up; nothing was written.
    """
    if options.is_check:
        return _Attempt(database, config, batch, options).run()
    return run_job(
        database,
        config,
        batch.name,
        options.run_id,
        lambda: _Attempt(database, config, batch, options).run(),
    )


def run_job(
    database: Database,
    config: AnalyticsConfig,
    subject: str,
    run_id: str | None,
    work: Callable[[], IngestReceipt],
) -> IngestReceipt:
    """Do something that ends in a receipt as a job that is noted, again after transient faults."""
    job = _start_job(database, subject, run_id)
    attempt = 1
    while True:
        try:
            receipt = work()
        except AnalyticsError as error:
            if not _may_succeed_later(error) or attempt > config.operations.retry_attempts:
                _end_job(database, job, attempt, error=str(error))
                raise
            time.sleep(min(0.1 * 2**attempt, 5.0))
            attempt += 1
        except BaseException as error:
            _end_job(database, job, attempt, error=f"unexpected {type(error).__name__}")
            raise
        else:
            _end_job(database, job, attempt, receipt=receipt)
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
            batch_id = claim_batch(connection, digest, self._batch.name, self._options.key_id)
            if batch_id is None:
                return self._receipt_of_duplicate(connection, digest)
            register_instruments(connection, self._batch.instruments)
            load = open_load(connection, self._database, self._config, batch_id)
            load.key_id = self._options.key_id
            load.is_check = self._options.is_check
            load.allows_replacing = self._options.allows_replacing
            settled = self._take_chunks(load)
            if self._options.allows_replacing:
                load.execute("settle_replaced", {"batch_id": batch_id, "digest": content})
                load.execute("settle_taken", {"batch_id": batch_id})
            receipt = self._receipt(load, settled)
            close_batch(load, receipt)
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
                self._options.progress(self._batch.name, judged)
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


def _start_job(database: Database, subject: str, run_id: str | None) -> int:
    with database.connection("ingest") as connection:
        row = connection.execute(
            sqlfiles.query("ingestion/start_job"),
            {"job_type": "ingest", "subject": subject, "run_id": run_id},
        ).fetchone()
    if row is None:
        raise IntegrityFailure("the job was not recorded")
    return int(row[0])


def _end_job(
    database: Database,
    job: int,
    attempts: int,
    *,
    receipt: IngestReceipt | None = None,
    error: str | None = None,
) -> None:
    parameters = {
        "id": job,
        "attempts": attempts,
        "status": "failed" if receipt is None else "succeeded",
        "error": error,
        "received": receipt.records_processed if receipt else None,
        "accepted": receipt.accepted if receipt else None,
        "duplicate": receipt.duplicates if receipt else None,
        "quarantined": receipt.quarantined if receipt else None,
    }
    # With the server away, the next start of the same job notes that this one was interrupted.
    with suppress(AnalyticsError), database.connection("ingest") as connection:
        connection.execute(sqlfiles.query("ingestion/end_job"), parameters)
