"""Taking a batch out again.

For: the facade and the command line. Not for: erasing a person (``privacy`` promises more than
this) or retention (which seals first).

What the batch had replaced is gone; the batches that lost rows that way are named, and their
files may be ingested again: what is there is found a duplicate, the rest comes back.
"""

from typing import Any

import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.receipts import UndoReceipt

_TABLES = ("responses", "answers", "scores", "validations")


def undo_batch(connection: psycopg.Connection[Any], batch_id: int) -> UndoReceipt:
    """Take the rows of a batch out, in the caller's transaction.

    Args:
        connection: A connection of the ingesting role.
        batch_id: Number in the ledger.

    Raises:
        InvalidInput: There is no such loaded batch, or rows of it were sealed.
    """
    parameters = {"batch_id": batch_id}
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
    incomplete = [
        number
        for (number,) in connection.execute(
            sqlfiles.query("ingestion/batches_losing_rows"), parameters
        )
    ]
    removed = dict.fromkeys(_TABLES, 0)
    for name in ("undo_responses", "undo_children"):
        counts = connection.execute(sqlfiles.query(f"ingestion/{name}"), parameters).fetchone()
        for table, count in zip(_TABLES, counts or (), strict=False):
            removed[table] += count
    assessments = connection.execute(
        sqlfiles.query("ingestion/undo_assessments"), parameters
    ).fetchone() or (0, 0)
    removed["assessments"] = assessments[0]
    connection.execute(
        sqlfiles.query("ingestion/close_undo"), parameters | {"incomplete": incomplete}
    )
    connection.execute(sqlfiles.query("ingestion/touch_days"), parameters | {"days": days})
    return UndoReceipt(
        batch_id=batch_id,
        removed=removed,
        incomplete_batches=tuple(incomplete),
        kept_assessments=assessments[1],
        touched_days=tuple(sorted(days)),
    )
