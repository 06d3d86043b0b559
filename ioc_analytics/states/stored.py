"""Cells of trait states as stored: reading, writing and deleting them by key.

For: rebuilding, sealing, releasing. Not for: answers (``states.reading``), which never want keys.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa

from ioc_analytics.database.copying import copy_in
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.vocabularies import ALL
from ioc_analytics.states.cells import TraitCells
from ioc_analytics.states.families import DIMENSIONS

CellKey = tuple[Any, ...]
"""Period, instrument, careless flag and the seven dimensions of a cell."""

_KEY = ("period_start", "instrument", "is_careless", *DIMENSIONS)


def write_cells(
    connection: psycopg.Connection[Any],
    family: str,
    periods: Sequence[date],
    is_careless: Sequence[bool],
    names: dict[str, list[str]],
    cells: TraitCells,
    layer: str = "live",
) -> None:
    """Write cells of one family; dimensions without names are ``all``."""
    counts, moments = cells.pack()
    number = cells.n_cells
    columns = {
        "family": pa.array([family] * number),
        "period_start": pa.array(periods, type=pa.date32()),
        "layer": pa.array([layer] * number),
        "is_careless": pa.array(is_careless),
        "responses": pa.array(cells.responses),
        "counts": pa.array(counts, type=pa.binary()),
        "moments": pa.array(moments, type=pa.binary()),
    }
    for name in ("instrument", *DIMENSIONS):
        columns[name] = pa.array(names.get(name, [ALL] * number), type=pa.string())
    copy_in(connection, "internal", "trait_states", [pa.RecordBatch.from_pydict(columns)])


def write_keyed_cells(
    connection: psycopg.Connection[Any], family: str, keys: Sequence[CellKey], cells: TraitCells
) -> None:
    """Write live cells of one family under their keys."""
    names = {
        name: [key[at] for key in keys]
        for at, name in ((1, "instrument"), *enumerate(DIMENSIONS, start=3))
    }
    periods, flags = [key[0] for key in keys], [key[2] for key in keys]
    write_cells(connection, family, periods, flags, names, cells)


def delete_cells(connection: psycopg.Connection[Any], family: str, keys: Sequence[CellKey]) -> None:
    """Delete live cells of one family."""
    if keys:
        connection.execute(sqlfiles.query("states/forget_cells"), _parameters(family, keys))


def read_cells_of(
    connection: psycopg.Connection[Any], family: str, keys: Sequence[CellKey]
) -> tuple[list[CellKey], TraitCells]:
    """Return those live cells of a family that have one of the keys."""
    rows = connection.execute(
        sqlfiles.query("states/cells_of"), _parameters(family, keys), binary=True
    ).fetchall()
    return _unpacked(rows)


def _parameters(family: str, keys: Sequence[CellKey]) -> dict[str, Any]:
    columns = zip(*keys, strict=True) if keys else [[] for _ in _KEY]
    return {"family": family} | dict(zip(_KEY, map(list, columns), strict=True))


def read_cells(
    connection: psycopg.Connection[Any], family: str, layer: str, start: date, end: date
) -> tuple[list[tuple[Any, ...]], TraitCells]:
    """Return the cells of a family over ``[start, end)``.

    Returns:
        Period, instrument, careless flag and the seven dimensions of each cell; and the cells.
    """
    rows = connection.execute(
        sqlfiles.query("states/cells"),
        {"family": family, "layer": layer, "start": start, "end": end},
        binary=True,
    ).fetchall()
    return _unpacked(rows)


def _unpacked(rows: Sequence[tuple[Any, ...]]) -> tuple[list[CellKey], TraitCells]:
    cells = TraitCells.unpack(
        [row[-3] for row in rows], [row[-2] for row in rows], [row[-1] for row in rows]
    )
    return [row[:-3] for row in rows], cells


def merge_cells(
    keys: Sequence[tuple[Any, ...]],
    cells: TraitCells,
    group_of: Callable[[tuple[Any, ...]], tuple[Any, ...]],
) -> tuple[list[tuple[Any, ...]], TraitCells]:
    """Merge cells whose keys fall into one group; groups come in the order of first sight."""
    places: dict[tuple[Any, ...], int] = {}
    groups = [places.setdefault(group_of(key), len(places)) for key in keys]
    return list(places), cells.regroup(np.array(groups, dtype=np.int64), len(places))
