"""Judging the quarantine again, from what is stored of the records.

For: the facade, after a parent, an instrument or a rule came. Not for: files that were corrected
(``ingestion.repair``).
"""

import hashlib
import time
from collections.abc import Sequence
from typing import Final

from ioc_analytics.database.jobs import noted_job
from ioc_analytics.database.pools import Database
from ioc_analytics.ingestion.ingest import Note, claim_batch, close_batch, insist, open_load
from ioc_analytics.ingestion.settling import judge_again, settle_children
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import Unavailable
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.receipts import IngestReceipt

_NAME: Final = "quarantine retry"


def retry_quarantine(
    database: Database,
    config: AnalyticsConfig,
    *,
    batch_id: int | None = None,
    ids: Sequence[int] | None = None,
    note: Note | None = None,
) -> IngestReceipt:
    """Judge waiting records again; those that pass now are stored under a batch of their own.

    Args:
        database: The database.
        config: The settings.
        batch_id: Only records of this batch.
        ids: Only these entries.
        note: Told of the receipt in the transaction of the retry.

    Returns:
        A receipt whose ``settled`` tells how many left the quarantine; the records themselves were
        counted in the receipts of their own batches.
    """
    subject = "quarantine" if batch_id is None else f"batch {batch_id}"
    with noted_job(database, "retry", subject) as job:
        return insist(job, config, lambda: _retry(database, config, batch_id, ids, note))


def _retry(
    database: Database,
    config: AnalyticsConfig,
    batch_id: int | None,
    ids: Sequence[int] | None,
    note: Note | None,
) -> IngestReceipt:
    started = time.monotonic()
    with database.connection("ingest") as connection:
        rows = connection.execute(
            sqlfiles.query("ingestion/waiting_records"),
            {"batch_id": batch_id, "ids": None if ids is None else list(ids)},
        ).fetchall()
        if not rows:
            receipt = IngestReceipt(batch_id=None, name=_NAME, by_kind={})
            if note:
                note(connection, receipt)
            return receipt
        moment = utc_now().isoformat()
        digest = hashlib.sha256(f"retry {moment} {[row[2] for row in rows]}".encode()).digest()
        claimed = claim_batch(connection, digest, f"{_NAME} {moment[:19]}", None)
        if claimed is None:
            raise Unavailable("somebody retries the same records at this moment; try again")
        load = open_load(connection, database, config, claimed)
        settled, responses = judge_again(load, rows)
        settled += settle_children(load, responses)
        receipt = IngestReceipt(
            batch_id=claimed,
            name=_NAME,
            by_kind={},
            touched_days=tuple(load.touched_days()),
            settled=settled,
            duration_seconds=time.monotonic() - started,
        )
        close_batch(load, receipt)
        if note:
            note(connection, receipt)
    return receipt
