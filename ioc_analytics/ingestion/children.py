"""What answers, scores and validations have in common: they belong to a version of a response.

For: the desks of the three kinds of children. Not for: responses themselves.

Per response and kind there is one decision for the whole batch: *write* (nothing of that kind is
stored, or something older), *compare* (the same version is stored: equal records are duplicates,
others conflict, further ones are added), *stale* (a newer one is), or *gone* (the rows were
sealed). Absent kinds stay as they are.
"""

from typing import Any, LiteralString

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ioc_analytics.database.copying import uuid_array_literal
from ioc_analytics.ingestion.load import Load, Origin, encoded_ids, select
from ioc_analytics.ingestion.parents import (
    COMPARE,
    EXTEND,
    GONE,
    NEVER,
    STALE,
    UNDECIDED,
    WRITE,
)
from ioc_analytics.ingestion.versions import PERIOD_SEALED


def match_parents(
    load: Load, kind: str, records: pa.RecordBatch, origin: Origin
) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]]:
    """Find the response of each record; orphans are refused.

    Returns:
        The records that have a response, and its place among the parents.
    """
    codes, ids = encoded_ids(records.column("response_hash"))
    # A dictionary is that of a row group, and 15 times as long as what a chunk of it uses.
    is_used = np.zeros(len(ids), dtype=np.bool_)
    is_used[codes] = True
    by_code = np.full(len(ids), -1, dtype=np.int64)
    by_code[is_used] = load.find_parents(ids[is_used])
    places = by_code[codes]
    has_parent = places >= 0
    has_parent[has_parent] = ~load.parents.rows["is_refused"][places[has_parent]]
    if has_parent.all():
        return records, places
    origin.refuse(kind, select(records, ~has_parent), "orphan", "response_id")
    load.has_orphans = True
    return select(records, has_parent), places[has_parent]


def decide(load: Load, kind: int, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Decide what becomes of the children of some responses, once per batch.

    Args:
        load: The batch.
        kind: ``ANSWERS``, ``SCORES`` or ``VALIDATIONS``.
        places: Places of responses, repeats allowed.

    Returns:
        The distinct places that were decided just now.
    """
    parents = load.parents.rows
    actions = parents["action"][:, kind]
    fresh = np.unique(places[actions[places] == UNDECIDED])
    stored = load.parents.stored("version", fresh, kind)
    current = parents["child_version"][fresh]
    action = np.where(stored == NEVER, WRITE, COMPARE)
    action[(stored != NEVER) & (current > stored)] = WRITE
    action[(stored != NEVER) & (current < stored)] = STALE
    if load.is_rejudging:
        # What waited in the quarantine may be a part of what was delivered: it replaces nothing.
        part = (action == WRITE) & (stored != NEVER) & ~parents["is_brought"][fresh]
        action[part] = COMPARE
    if load.allows_replacing:
        action[action == COMPARE] = WRITE
    sealed = load.parents.stored("is_sealed", fresh)
    action[sealed & (action == WRITE)] = GONE
    action[sealed & (action == COMPARE)] = STALE
    actions[fresh] = action
    replaced = fresh[(action == WRITE) & (stored != NEVER)]
    load.note_replaced(kind, replaced)
    return fresh


def settle(
    load: Load,
    name: str,
    kind: int,
    records: pa.RecordBatch,
    places: npt.NDArray[np.int64],
    origin: Origin,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Count stale children and refuse those of sealed responses.

    Returns:
        Masks of the records to write and of those to compare with what is stored.
    """
    actions = load.parents.rows["action"][places, kind]
    origin.count(name, "duplicates", int((actions == STALE).sum()))
    gone = actions == GONE
    if gone.any():
        origin.refuse(name, select(records, gone), PERIOD_SEALED)
    return actions == WRITE, (actions == COMPARE) | (actions == EXTEND)


def extend(load: Load, kind: int, places: npt.NDArray[np.int64]) -> None:
    """Note that children are added to stored ones of the same version."""
    parents = load.parents.rows
    added = np.unique(places[parents["action"][places, kind] == COMPARE])
    parents["action"][added, kind] = EXTEND
    load.note_replaced(kind, added)


def delete_children(
    load: Load, name: LiteralString, kind: int, places: npt.NDArray[np.int64]
) -> None:
    """Delete the stored rows of one kind for the responses among ``places`` that are rewritten."""
    parents = load.parents.rows
    old = places[
        (parents["action"][places, kind] == WRITE)
        & (load.parents.stored("version", places, kind) != NEVER)
    ]
    if len(old):
        load.execute(name, stored_keys(load, old))


def stored_keys(
    load: Load, places: npt.NDArray[np.int64], *, has_moved: bool = False
) -> dict[str, Any]:
    """Return the keys of stored rows as parameters ``created`` and ``ids``.

    Args:
        load: The batch.
        places: Places of responses.
        has_moved: Whether the old rows have followed a corrected start time already.
    """
    parents = load.parents
    created = parents.rows["created"][places] if has_moved else parents.stored("created", places)
    moments = created.astype("datetime64[us]")
    return {
        "ids": uuid_array_literal(parents.ids[places]),
        "created": "{" + ",".join(f'"{moment}Z"' for moment in moments) + "}",
    }
