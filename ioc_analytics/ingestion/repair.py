"""Judging the quarantine again from a repaired file: the lines that wait, and no others.

For: the facade. Not for: judging again what is stored of the records (``ingestion.retry``), or
files whose lines have moved (ingest those).

Where a line still breaks a rule, its entries stay, with the fresh reasons. A line of a survey
export is a response with its answers and replaces what was stored of it; a line of any other file
is one record and replaces nothing.
"""

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
from psycopg.rows import class_row

from ioc_analytics.database.pools import Database
from ioc_analytics.ingestion.desks import Desks
from ioc_analytics.ingestion.digests import fixed_array, fixed_bytes
from ioc_analytics.ingestion.ingest import (
    Note,
    claim_batch,
    close_batch,
    file_job,
    insist,
    open_load,
)
from ioc_analytics.ingestion.load import Load, as_batch, select
from ioc_analytics.ingestion.quarantine import Refusal, put_aside, refusals
from ioc_analytics.ingestion.settling import settle_orphans
from ioc_analytics.ingestion.sources import FileBatch
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.kinds import ASSESSMENTS, RESPONSES
from ioc_analytics.records.receipts import IngestReceipt
from ioc_analytics.schema.catalogues import register_instruments

_NAME: Final = "quarantine retry"


class WaitingLine(NamedTuple):
    """An entry of the quarantine and where it stands."""

    id: int
    batch_id: int
    key_id: str | None
    kind: str
    file: str
    line: int
    column_name: str | None
    record_id: UUID | None


@dataclass(slots=True)
class _RepairedOrigin:
    """Records of a repaired file: what is refused again is kept for the entry that waits."""

    file: str
    refused: list[Refusal] = field(default_factory=list)

    def count(self, kind: str, outcome: str, number: int) -> None:
        """Count nothing: the records were counted in the receipt of their own batch."""

    def refuse(
        self, kind: str, records: pa.RecordBatch, rule: str, column: str | None = None
    ) -> None:
        """Keep the fresh reasons."""
        self.refused += refusals(kind, records, self.file, rule, column)


def retry_from(
    database: Database,
    config: AnalyticsConfig,
    name: str,
    open_batch: Callable[[], FileBatch],
    *,
    batch_id: int | None = None,
    ids: Sequence[int] | None = None,
    note: Note | None = None,
) -> IngestReceipt:
    """Judge waiting records again from the lines of a repaired file.

    Args:
        database: The database.
        config: The settings.
        name: Name of the file or folder.
        open_batch: Opens it, under the names it came with, its lines where they were.
        batch_id: Only records of this batch.
        ids: Only these entries.
        note: Told of the receipt in the transaction of the retry.

    Returns:
        A receipt whose ``settled`` tells how many left the quarantine and whose ``quarantine`` has
        the fresh reasons of the others.

    Raises:
        InvalidInput: Nothing waits for these files, or records of several batches do.
    """
    with file_job(database, "retry", name) as job:
        batch = open_batch()
        return insist(job, config, lambda: _retry(database, config, batch, batch_id, ids, note))


def _retry(
    database: Database,
    config: AnalyticsConfig,
    batch: FileBatch,
    batch_id: int | None,
    ids: Sequence[int] | None,
    note: Note | None,
) -> IngestReceipt:
    started = time.monotonic()
    with database.connection("ingest") as connection:
        waiting = _waiting_lines(connection, batch, batch_id, ids)
        moment = utc_now().isoformat()
        digest = hashlib.sha256(f"retry {moment}".encode() + batch.digest()).digest()
        claimed = claim_batch(connection, digest, f"{_NAME} {moment[:19]}", batch.key_id)
        if claimed is None:
            raise Unavailable("somebody retries the same file at this moment; try again")
        register_instruments(connection, batch.instruments)
        load = open_load(connection, database, config, claimed)
        load.key_id = batch.key_id
        load.allows_replacing, load.is_rejudging = batch.is_wide, not batch.is_wide
        judged, refused = _take_lines(load, batch, waiting)
        settled = _close_entries(load, waiting[0].batch_id, judged, refused)
        settled += settle_orphans(replace(load, allows_replacing=False))
        receipt = IngestReceipt(
            batch_id=claimed,
            name=_NAME,
            by_kind={},
            quarantine=Counter(refusal.rule for refusal in refused),
            touched_days=tuple(load.touched_days()),
            settled=settled,
            duration_seconds=time.monotonic() - started,
        )
        close_batch(load, receipt)
        if note:
            note(connection, receipt)
    return receipt


def _waiting_lines(
    connection: psycopg.Connection[object],
    batch: FileBatch,
    batch_id: int | None,
    ids: Sequence[int] | None,
) -> list[WaitingLine]:
    with connection.cursor(row_factory=class_row(WaitingLine)) as cursor:
        found = cursor.execute(
            sqlfiles.query("ingestion/waiting_lines"),
            {
                "files": list(batch.files),
                "batch_id": batch_id,
                "ids": None if ids is None else list(ids),
            },
        ).fetchall()
    if not found:
        raise InvalidInput(
            f"no record waits for {', '.join(batch.files)}; a repaired file keeps its name, which "
            "`quarantine list` shows"
        )
    batches = sorted({entry.batch_id for entry in found})
    if len(batches) > 1:
        raise InvalidInput(
            f"records of batches {', '.join(map(str, batches))} wait for files of these names; "
            "say which batch the file belongs to"
        )
    if found[0].key_id not in (None, batch.key_id):
        raise InvalidInput(
            f"batch {batches[0]} was taken in under key {found[0].key_id}, the present one is "
            f"{batch.key_id}: the file would make other pseudonyms; restore the key first"
        )
    return found


def _take_lines(
    load: Load, batch: FileBatch, waiting: Sequence[WaitingLine]
) -> tuple[list[WaitingLine], list[Refusal]]:
    """Judge the lines that wait; return the entries whose lines were there, and what is refused."""
    entries: dict[str, dict[int, list[WaitingLine]]] = defaultdict(lambda: defaultdict(list))
    for entry in waiting:
        entries[entry.file][entry.line].append(entry)
    desks = Desks(load)
    judged: dict[int, WaitingLine] = {}
    refused: list[Refusal] = []
    for chunk in batch.chunks():
        lines = entries[chunk.file]
        records = as_batch(chunk.table)
        stands = records.column("_line").to_numpy(zero_copy_only=False)
        records = select(records, np.isin(stands, list(lines)))
        if not records.num_rows:
            continue
        found = records.column("_line").to_pylist()
        judged |= {entry.id: entry for line in set(found) for entry in lines[line]}
        if batch.names_lines and chunk.kind != ASSESSMENTS:
            records = _with_old_names(chunk.kind, records, lines)
        origin = _RepairedOrigin(chunk.file)
        desks.take(chunk.kind, records, origin)
        refused += origin.refused
    desks.close()
    return list(judged.values()), refused


def _with_old_names(
    kind: str, records: pa.RecordBatch, lines: Mapping[int, Sequence[WaitingLine]]
) -> pa.RecordBatch:
    """Name responses as they were when their line came first: a repaired file names them anew."""
    name = "id" if kind == RESPONSES else "response_hash"
    at = records.schema.get_field_index(name)
    ids: npt.NDArray[np.uint8] = fixed_bytes(records.column(at)).copy()
    for row, line in enumerate(records.column("_line").to_pylist()):
        old = next(
            (e.record_id for e in lines[line] if e.kind != ASSESSMENTS and e.record_id), None
        )
        if old is not None:
            ids[row] = np.frombuffer(old.bytes, dtype=np.uint8)
    return records.set_column(at, name, fixed_array(ids))


def _close_entries(
    load: Load, source: int, judged: Sequence[WaitingLine], refused: Sequence[Refusal]
) -> int:
    """Let exactly what was refused wait, under the old entries as far as they go.

    What is refused anew waits beside them, under the batch the file belongs to: the next repair of
    the file finds all of its lines there.

    Returns:
        How many entries are settled.
    """
    waiting: dict[tuple[str, str, int | None], list[WaitingLine]] = defaultdict(list)
    for entry in judged:
        waiting[entry.kind, entry.file, entry.line].append(entry)
    added = []
    for refusal in refused:
        entries = waiting[refusal.kind, refusal.file, refusal.line]
        if not entries:
            added.append(refusal)
            continue
        of_column = (e for e in entries if e.column_name == refusal.column_name)
        entry = next(of_column, entries[0])
        entries.remove(entry)
        load.execute("renew_quarantine", refusal._asdict() | {"id": entry.id})
    put_aside(load.connection, source, added)
    settled = [entry.id for entries in waiting.values() for entry in entries]
    load.execute("settle_quarantine", {"ids": settled, "batch_id": load.batch_id})
    return len(settled)
