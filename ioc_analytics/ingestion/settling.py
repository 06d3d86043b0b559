"""Judging quarantined records again: orphans whose parent came, and what somebody retries.

For: ``ingestion.ingest`` (at the end of each batch) and ``ingestion.retry``. Not for: listing the
quarantine (``ingestion.quarantine``).

Records are judged batch by batch, in the order in which the batches came, each as if it were
delivered now: children that waited together with a version of their response stay with it.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from ioc_analytics.database.copying import uuid_array_literal
from ioc_analytics.ingestion.desks import Desks
from ioc_analytics.ingestion.load import Load
from ioc_analytics.ingestion.parents import Parents
from ioc_analytics.ingestion.quarantine import RejudgedOrigin, rebuild_records
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.kinds import KINDS, RESPONSES


def settle_orphans(load: Load) -> int:
    """Judge the orphans that waited for a parent of this batch; to be called when it is written.

    Returns:
        How many left the quarantine.
    """
    # Orphans and their parents may be loaded at the same moment, and neither sees the other: who
    # has orphans waits here for those who bring parents, and looks again.
    lock = "look_for_parents" if load.has_orphans else "offer_parents"
    load.connection.execute(sqlfiles.query(f"ingestion/{lock}"))
    row = load.connection.execute(sqlfiles.query("ingestion/has_orphans")).fetchone()
    if row is None or not row[0]:
        return 0
    assessments = np.frombuffer(b"".join(load.assessment_places), dtype=np.uint8)
    parents = np.concatenate([assessments.reshape(-1, 16), load.parents.ids])
    if load.has_orphans:
        late = load.connection.execute(
            sqlfiles.query("ingestion/late_parents"), {"batch_id": load.batch_id}
        ).fetchall()
        parents = np.concatenate([parents, _identifiers([row[0].bytes for row in late])])
    return _settle_all(load, parents)


def settle_children(load: Load, responses: Sequence[bytes]) -> int:
    """Judge the orphans that waited for responses which just left the quarantine."""
    return _settle_all(load, _identifiers(responses))


def _settle_all(load: Load, parents: npt.NDArray[np.uint8]) -> int:
    settled = 0
    while len(parents):
        rows = load.connection.execute(
            sqlfiles.query("ingestion/waiting_orphans"), {"parents": uuid_array_literal(parents)}
        ).fetchall()
        number, responses = judge_again(load, rows)
        settled += number
        # Responses that just left the quarantine may have children of other batches there.
        parents = _identifiers(responses)
    return settled


def judge_again(load: Load, rows: Sequence[Any]) -> tuple[int, list[bytes]]:
    """Judge waiting records, and write those that pass now under the batch of ``load``.

    Args:
        load: A batch; its touched days and replaced batches are added to.
        rows: Batch, key id, entry, kind, line, record and record id of each, by batch.

    Returns:
        How many were settled: stored, or found stored; and the responses among them.
    """
    settled, responses = 0, []
    for (_, key_id), group in groupby(rows, key=itemgetter(0, 1)):
        entries = list(group)
        again = replace(
            load,
            key_id=key_id,
            parents=Parents(),
            assessments=[],
            assessment_places={},
            is_rejudging=True,
        )
        done = _take(again, entries)
        settled += len(done)
        responses += [row[6].bytes for row in entries if row[2] in done and row[3] == RESPONSES]
    return settled, responses


def _take(load: Load, entries: Sequence[Any]) -> set[int]:
    desks = Desks(load)
    settled: set[int] = set()
    for kind in KINDS:
        waiting = [(row[2], row[4], row[5]) for row in entries if row[3] == kind]
        if waiting:
            origin = RejudgedOrigin([entry[0] for entry in waiting])
            desks.take(kind, rebuild_records(kind, waiting), origin)
            settled.update(origin.settled)
    desks.close()
    load.execute("settle_quarantine", {"ids": sorted(settled), "batch_id": load.batch_id})
    return settled


def _identifiers(ids: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"".join(ids), dtype=np.uint8).reshape(-1, 16)
