"""Taking a batch out again.

For: the facade and the command line. Not for: erasing a person (``privacy`` promises more than
this) or retention (which seals first).

What the batch had replaced is gone; the batches that lost rows that way, or had found rows of this
one stored already, are named, and their files may be ingested again: what is there is found a
duplicate, the rest comes back.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from ioc_analytics.database.pools import Database
from ioc_analytics.ingestion.answers import AnswerDesk
from ioc_analytics.ingestion.ingest import open_load
from ioc_analytics.ingestion.load import Load
from ioc_analytics.ingestion.scores import ScoreDesk
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.receipts import UndoReceipt

_TABLES = ("responses", "answers", "scores", "validations")


def undo_batch(
    connection: psycopg.Connection[Any], database: Database, config: AnalyticsConfig, batch_id: int
) -> UndoReceipt:
    """Take the rows of a batch out, in the caller's transaction.

    Args:
        connection: A connection of the ingesting role.
        database: The database.
        config: The settings.
        batch_id: Number in the ledger.

    Raises:
        InvalidInput: There is no such loaded batch, or rows of it were sealed.
    """
    # A month that is sealed meanwhile would keep what is taken out here, and children that another
    # batch brings meanwhile would lose their response.
    connection.execute(sqlfiles.query("states/stop_ingestion"))
    parameters = {"batch_id": batch_id}
    settlers = _numbers(connection, "reclaim_settled", parameters)
    row = connection.execute(sqlfiles.query("ingestion/batch_to_undo"), parameters).fetchone()
    if row is None or row[0] == "undone":
        found = "was undone already" if row else "is not in the ledger"
        raise InvalidInput(f"batch {batch_id} {found}; `status` lists the batches that are loaded")
    if row[1]:
        raise InvalidInput(
            f"batch {batch_id} has responses in {row[1]} sealed months: their rows were counted "
            "into final states and cannot be taken out one by one"
        )
    days = [
        day for (day,) in connection.execute(sqlfiles.query("ingestion/days_of_batch"), parameters)
    ]
    losers = _numbers(connection, "batches_losing_rows", parameters)
    incomplete = sorted({*settlers, *losers})
    removed = dict.fromkeys(_TABLES, 0)
    unscored: list[UUID] = []
    for name in ("undo_responses", "undo_children"):
        counts = (
            connection.execute(sqlfiles.query(f"ingestion/{name}"), parameters).fetchone() or ()
        )
        for table, count in zip(_TABLES, counts, strict=False):
            removed[table] += count
        for responses in counts[len(_TABLES) :]:
            unscored += responses or []
    if unscored:
        _score_again(open_load(connection, database, config, batch_id), unscored)
    assessments = connection.execute(
        sqlfiles.query("ingestion/undo_assessments"), parameters
    ).fetchone() or (0, 0)
    removed["assessments"] = assessments[0]
    put_aside = connection.execute(
        sqlfiles.query("ingestion/close_undo"), parameters | {"incomplete": incomplete}
    ).fetchone() or (0,)
    connection.execute(sqlfiles.query("ingestion/touch_days"), parameters | {"days": days})
    return UndoReceipt(
        batch_id=batch_id,
        removed=removed,
        incomplete_batches=tuple(incomplete),
        kept_assessments=assessments[1],
        touched_days=tuple(sorted(days)),
        quarantined=put_aside[0],
    )


def _numbers(
    connection: psycopg.Connection[Any], name: str, parameters: Mapping[str, Any]
) -> list[int]:
    rows = connection.execute(sqlfiles.query(f"ingestion/{name}"), parameters).fetchall()
    return [number for (number,) in rows]


def _score_again(load: Load, responses: Sequence[UUID]) -> None:
    """Score stored answers whose delivered scores were taken out."""
    ids = np.frombuffer(b"".join(response.bytes for response in responses), dtype=np.uint8)
    places = load.find_parents(ids.reshape(-1, 16))
    answers = AnswerDesk(load)
    answers.load_stored(places)
    ScoreDesk(load).score_again(answers.matrices)
