"""Proof that states equal their rows: the scores of a month counted once more, in another way.

For: a release, before it commits. Not for: building states (``states.rebuild``), or what was
released from them (``monitoring.integrity``).

Numbers and sums of scores by day and trait are what rows and states can agree on at little cost:
one pass over the scores, no sorting. What is released by month comes from families that are kept up
to date by differences; each of them must hold the same scores as the days do.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.families import FAMILIES
from ioc_analytics.states.rebuild import midnight, next_month
from ioc_analytics.states.sealing import is_sealed
from ioc_analytics.states.stored import read_cells

_TOLERANCE: Final = 1e-9
"""Relative: sums of the same scores in another order."""

Total = tuple[int, float]
"""Number and sum of scores."""

_NOTHING: Final[Total] = (0, 0.0)

_Sums = dict[tuple[date | None, str], Total]
"""By UTC day, or None for the whole month, and trait."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Scores that states and rows disagree on."""

    family: str
    day: date | None
    """The UTC day; None: the whole month."""

    trait: str
    in_states: int
    """Number of scores in the states."""

    expected: int
    """Number of scores in the rows or, of a whole month, in its days; when it is the same, the sums
    of the scores differ."""


def unequal_states(connection: psycopg.Connection[Any], month: date) -> list[Difference]:
    """Return where the states of a month differ from its rows, in the caller's transaction.

    Days that others have touched meanwhile are left out: their states are behind, and marked so. Of
    a sealed month nothing is compared, since its rows may be gone.

    Args:
        connection: A connection that holds the lock of the month's states.
        month: First day of the month.
    """
    end = next_month(month)
    if is_sealed(connection, month):
        return []
    # Rows and marks in one statement, before the states, which nobody else can change now.
    period = {"start": midnight(month), "end": midnight(end), "first": month, "last": end}
    marked: set[date] = set()
    rows: _Sums = {}
    for day, trait, n, total in connection.execute(sqlfiles.query("states/sums_of_rows"), period):
        if trait is None:
            marked.add(day)
        else:
            rows[day, trait] = (n, total)
    days = _sums(connection, "day_all", month, end)
    rows = {key: total for key, total in rows.items() if key[0] not in marked}
    unmarked = {key: total for key, total in days.items() if key[0] not in marked}
    return [*_unequal("day_all", unmarked, rows), *_unequal_months(connection, month, days)]


def _unequal_months(
    connection: psycopg.Connection[Any], month: date, days: _Sums
) -> Iterator[Difference]:
    expected: _Sums = {}
    for trait in TRAITS:
        of_days = [total for (_, name), total in days.items() if name == trait]
        expected[None, trait] = (sum(n for n, _ in of_days), math.fsum(s for _, s in of_days))
    for family in FAMILIES:
        if family.grain == "month":
            found = _sums(connection, family.name, month, next_month(month))
            whole: _Sums = {(None, trait): total for (_, trait), total in found.items()}
            yield from _unequal(family.name, whole, expected)


def _unequal(family: str, states: _Sums, expected: _Sums) -> Iterator[Difference]:
    for key in sorted({*states, *expected}, key=str):
        (held, held_sum), (n, total) = states.get(key, _NOTHING), expected.get(key, _NOTHING)
        if held != n or not math.isclose(held_sum, total, rel_tol=_TOLERANCE):
            yield Difference(family, *key, held, n)


def _sums(connection: psycopg.Connection[Any], family: str, start: date, end: date) -> _Sums:
    """Return number and sum of the live scores of a family, by period and trait."""
    keys, cells = read_cells(connection, family, "live", start, end)
    periods = sorted({key[0] for key in keys})
    at = {period: place for place, period in enumerate(periods)}
    groups = np.array([at[key[0]] for key in keys], dtype=np.int64)
    slots = groups[cells.count_cells] * len(TRAITS) + cells.counts["trait"]
    numbers = cells.counts["n"].astype(np.int64)
    size = len(periods) * len(TRAITS)
    counted = np.bincount(slots, weights=numbers, minlength=size)
    summed = np.bincount(slots, weights=numbers * cells.counts["score"], minlength=size)
    return {
        (period, trait): (int(counted[slot]), float(summed[slot]))
        for slot, (period, trait) in enumerate((p, t) for p in periods for t in TRAITS)
        if counted[slot]
    }
