"""Promises that must hold of what is stored, each looked at anew: measured, never repaired.

For: asset checks and the facade's ``check_integrity``. Not for: judging records on their way in
(``ingestion``), or freshness and health.

A check that reads rows looks at one month: the newest that is neither touched nor sealed, or the
days of the newest batch. It stays affordable at any size of the tables that way.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import psycopg

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.monitoring.server import read_all
from ioc_analytics.records.releases import MINIMUM_PEOPLE
from ioc_analytics.states.reading import snapshot
from ioc_analytics.states.rebuild import midnight, next_month

_FIGURES: Final = ("mean", "median", "minimum", "maximum")
_RELATIVE_TOLERANCE: Final = 1e-9
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found when a promise was looked at."""

    name: str
    """The promise."""

    passed: bool
    checked: int
    """Records, figures or cells that were looked at; 0: there was nothing yet."""

    faults: int
    """How many of them break the promise."""

    summary: str
    """One sentence for people."""

    sample: tuple[Mapping[str, Any], ...] = ()
    """Some rows that show it; pseudonymised or aggregated figures only."""


def examine(connection: psycopg.Connection[Any], name: str) -> Finding:
    """Look at one promise, in one snapshot: a batch that commits meanwhile is no fault.

    Args:
        connection: A connection of the ingesting or analyst's role, in no transaction.
        name: One of ``PROMISES``.

    Raises:
        InvalidInput: There is no such promise.
    """
    if name not in PROMISES:
        raise InvalidInput(
            f"{name!r} is no promise that is checked{did_you_mean(name, PROMISES)}; "
            f"there are {', '.join(PROMISES)}"
        )
    with snapshot(connection):
        return PROMISES[name](connection)


def _accounting(connection: psycopg.Connection[Any]) -> Finding:
    """Compare the receipt of the newest batch with what it left in the tables."""
    name = "newest_batch_accounted"
    batch = _one(connection, "newest_batch", {})
    if batch is None:
        return Finding(name, True, 0, 0, "nothing has been loaded yet")
    receipt = batch["receipt"]
    rows = [{"kind": kind, **counts} for kind, counts in receipt["by_kind"].items()]
    received = sum(row["received"] for row in rows)
    faults = sum(
        row["received"] != row["accepted"] + row["duplicates"] + row["quarantined"] for row in rows
    )
    faults += batch["quarantined"] != receipt["quarantined"]
    accepted = receipt["by_kind"].get("responses", {}).get("accepted", 0)
    stored, has_sealed = 0, False
    if receipt["touched_days"]:
        days = [date.fromisoformat(day) for day in receipt["touched_days"]]
        period = {"start": midnight(min(days)), "end": midnight(max(days) + timedelta(days=1))}
        found = _one(connection, "stored_responses", {"batch_id": batch["batch_id"], **period})
        stored, has_sealed = (found["responses"], found["has_sealed"]) if found else (0, False)
    # Records that had waited for a parent are stored under the batch that brought it; what was
    # sealed may have gone since.
    is_more = receipt["settled"] > 0 and stored >= accepted
    is_stored = stored == accepted or is_more or (has_sealed and stored <= accepted)
    faults += not is_stored
    summary = (
        f"batch {batch['batch_id']} ({batch['name']}): {received} records, {accepted} responses "
        f"accepted and {stored} stored, {batch['quarantined']} records in quarantine"
    )
    return Finding(name, not faults, received, faults, summary, tuple(rows))


def _states(connection: psycopg.Connection[Any]) -> Finding:
    """Compare a released month with the same figures counted from rows, whole and split."""
    name = "released_month_equals_rows"
    sample = _one(connection, "sample_month", {})
    if sample is None:
        return Finding(name, True, 0, 0, "no month is released, untouched and unsealed")
    month = sample["month"]
    period = {"start": midnight(month), "end": midnight(next_month(month))}
    rows = read_all(connection, "compare_month", {"month": month, **period})
    faults = [row for row in rows if not _agree(row)]
    cells = {row["cell"] for row in rows}
    summary = (
        f"{len(rows)} distributions in {len(cells)} cells of {month:%Y-%m} compared, "
        f"{len(faults)} differ"
    )
    shown = (faults or [row for row in rows if row["cell"] == "all"])[:_SHOWN]
    return Finding(name, not faults, len(rows), len(faults), summary, tuple(shown))


def _agree(row: Mapping[str, Any]) -> bool:
    if row["is_withheld"]:
        # A larger cell may be withheld too, when a small one could be told from it.
        return bool(row["people"] < MINIMUM_PEOPLE) or not row["is_called_small"]
    if row["raw_sample_size"] != row["released_sample_size"]:
        return False
    pairs = [(row[f"raw_{name}"], row[f"released_{name}"]) for name in _FIGURES]
    return all(
        raw is released or math.isclose(raw, released, rel_tol=_RELATIVE_TOLERANCE)
        for raw, released in pairs
    )


def _parents(connection: psycopg.Connection[Any]) -> Finding:
    """Look for duplicate and orphaned records in the days of the newest batch."""
    name = "no_duplicates_no_orphans"
    batch = _one(connection, "newest_batch", {})
    if batch is None or not batch["receipt"]["touched_days"]:
        return Finding(name, True, 0, 0, "the newest batch, if any, touched no day")
    month = date.fromisoformat(max(batch["receipt"]["touched_days"])).replace(day=1)
    period = {"start": midnight(month), "end": midnight(next_month(month))}
    found = _one(connection, "orphans", period) or {}
    counts = {key: count for key, count in found.items() if key != "responses"}
    faults = sum(counts.values())
    summary = f"{found['responses']} responses of {month:%Y-%m} looked at, {faults} faults"
    rows = tuple({"fault": key, "records": count} for key, count in counts.items())
    return Finding(name, not faults, found["responses"], faults, summary, rows)


def _released(connection: psycopg.Connection[Any]) -> Finding:
    """Look for released figures about too few people, in every released table and view."""
    wanted = {"minimum": MINIMUM_PEOPLE, "start": None, "end": None}
    rows = read_all(connection, "too_small", wanted)
    # Views follow their tables at the next refresh, which a fault of theirs must not hold up.
    tables = [row for row in rows if not row["table_name"].startswith("mv_")]
    cells, faults = (sum(row[name] for row in tables) for name in ("cells", "too_small"))
    summary = f"{cells} released cells, {faults} about fewer than {MINIMUM_PEOPLE} people"
    behind = sum(row["too_small"] for row in rows) - faults
    if behind:
        summary += f"; views still show {behind} until they are refreshed"
    return Finding("nothing_small_released", not faults, cells, faults, summary, tuple(rows))


PROMISES: Final[Mapping[str, Callable[[psycopg.Connection[Any]], Finding]]] = {
    "newest_batch_accounted": _accounting,
    "no_duplicates_no_orphans": _parents,
    "released_month_equals_rows": _states,
    "nothing_small_released": _released,
}
"""Every promise and what looks at it."""


def _one(
    connection: psycopg.Connection[Any], query: str, parameters: Mapping[str, Any]
) -> dict[str, Any] | None:
    return next(iter(read_all(connection, query, parameters)), None)
