"""What a recount changed in the cells of days, carried on to everything that is made from them.

For: ``states.rebuild``. Not for: counting itself.

A late response changes one cell of each family. Adding what is new and taking away what was there
before touches these cells only, and is exact: counts are whole numbers, and so are co-moments in
their steps. It leaves what counting everything again would.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import psycopg

from ioc_analytics.records.vocabularies import ALL
from ioc_analytics.states.cells import TraitCells, join_cells
from ioc_analytics.states.families import BY_NAME, DIMENSIONS, FAMILIES, Family
from ioc_analytics.states.stored import CellKey, delete_cells, read_cells_of, write_keyed_cells


@dataclass(frozen=True, slots=True)
class Change:
    """Cells before and after a recount, those that are equal left out."""

    keys: tuple[CellKey, ...]
    """Of the old cells, then of the new ones."""

    cells: TraitCells
    signs: tuple[int, ...]
    """-1 for an old cell, 1 for a new one."""

    @classmethod
    def between(
        cls,
        old_keys: Sequence[CellKey],
        old: TraitCells,
        new_keys: Sequence[CellKey],
        new: TraitCells,
    ) -> "Change":
        """Return what differs."""
        before, after = _contents(old_keys, old), _contents(new_keys, new)
        gone = [at for at, key in enumerate(old_keys) if after.get(key) != before[key]]
        come = [at for at, key in enumerate(new_keys) if before.get(key) != after[key]]
        return cls(
            (*(old_keys[at] for at in gone), *(new_keys[at] for at in come)),
            join_cells([old.choose(gone), new.choose(come)]),
            (*[-1] * len(gone), *[1] * len(come)),
        )

    def write(self, connection: psycopg.Connection[Any], family: Family) -> None:
        """Replace the old cells of the counted family by the new ones."""
        gone = [at for at, sign in enumerate(self.signs) if sign < 0]
        come = [at for at, sign in enumerate(self.signs) if sign > 0]
        delete_cells(connection, family.name, [self.keys[at] for at in gone])
        keys = [self.keys[at] for at in come]
        write_keyed_cells(connection, family.name, keys, self.cells.choose(come))


def join_changes(changes: Iterable[Change]) -> Change:
    """Return all changes as one."""
    parts = list(changes)
    return Change(
        tuple(key for part in parts for key in part.keys),
        join_cells([part.cells for part in parts]),
        tuple(sign for part in parts for sign in part.signs),
    )


def carry_on(connection: psycopg.Connection[Any], name: str, change: Change) -> None:
    """Bring all families that are made from a counted one up to date with its change."""
    for family in FAMILIES:
        if family.source is not None and _counted_source(family) == name:
            _apply(connection, family, change)


def _counted_source(family: Family) -> str:
    while family.source is not None:
        family = BY_NAME[family.source]
    return family.name


def _apply(connection: psycopg.Connection[Any], family: Family, change: Change) -> None:
    project = _projection(family)
    projected = [project(key) for key in change.keys]
    places: dict[CellKey, int] = {}
    for key in projected:
        places.setdefault(key, len(places))
    stored_keys, stored = read_cells_of(connection, family.name, list(places))
    merged = join_cells([stored, change.cells]).regroup(
        np.array([places[key] for key in (*stored_keys, *projected)], dtype=np.int64),
        len(places),
        np.array([*[1] * len(stored_keys), *change.signs], dtype=np.int64),
    )
    delete_cells(connection, family.name, stored_keys)
    keys = list(places)
    left = np.flatnonzero(merged.responses).tolist()
    write_keyed_cells(connection, family.name, [keys[at] for at in left], merged.choose(left))


def _projection(family: Family) -> Callable[[CellKey], CellKey]:
    is_month = family.grain == "month"
    places = [at if name in family.dimensions else None for at, name in enumerate(DIMENSIONS, 3)]

    def project(key: CellKey) -> CellKey:
        period: date = key[0].replace(day=1) if is_month else key[0]
        return (
            period,
            *key[1:3],
            *[ALL if place is None else key[place] for place in places],
        )

    return project


def _contents(keys: Sequence[CellKey], cells: TraitCells) -> dict[CellKey, Any]:
    counts, moments = cells.pack()
    return dict(zip(keys, zip(cells.responses.tolist(), counts, moments, strict=True), strict=True))
