"""Judging the quarantine again, from what is stored of the records.

For: the facade, after a parent, an instrument or a rule came. Not for: files that were corrected
(ingest those again).
"""

import hashlib
import time
from collections.abc import Sequence

from ioc_analytics.database.pools import Database
from ioc_analytics.ingestion.desks import Desks
from ioc_analytics.ingestion.ingest import claim_batch, close_batch, open_load
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.receipts import IngestReceipt


def retry_quarantine(
    database: Database,
    config: AnalyticsConfig,
    *,
    batch_id: int | None = None,
    ids: Sequence[int] | None = None,
) -> IngestReceipt:
    """Judge waiting records again; those that pass now are stored under a batch of their own.

    Args:
        database: The database.
        config: The settings.
        batch_id: Only records of this batch.
        ids: Only these entries.

    Returns:
        A receipt whose ``settled`` tells how many left the quarantine; the records themselves were
        counted in the receipts of their own batches.
    """
    started = time.monotonic()
    with database.connection("ingest") as connection:
        rows = connection.execute(
            sqlfiles.query("ingestion/waiting_records"),
            {"batch_id": batch_id, "ids": None if ids is None else list(ids)},
        ).fetchall()
        if not rows:
            return IngestReceipt(batch_id=None, name="quarantine retry", by_kind={})
        moment = utc_now().isoformat()
        digest = hashlib.sha256(f"retry {moment} {[row[0] for row in rows]}".encode()).digest()
        claimed = claim_batch(connection, digest, f"quarantine retry {moment[:19]}", None)
        assert claimed is not None, "a digest with the time in it was taken before"
        load = open_load(connection, database, config, claimed)
        desks = Desks(load)
        settled = desks.take_waiting(rows)
        settled += desks.close()
        receipt = IngestReceipt(
            batch_id=claimed,
            name="quarantine retry",
            by_kind={},
            touched_days=tuple(sorted(load.touched)),
            settled=settled,
            duration_seconds=time.monotonic() - started,
        )
        close_batch(load, receipt)
    return receipt
