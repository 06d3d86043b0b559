"""Norm groups: how the scores of a stated range spread, by region, gender and age band, for good.

For: ``insight.norms``. Not for: percentiles (``statistics.norms``), or states that follow the rows.

Groups are counted from rows. Where rows of the range are gone, they are merged from states, which
never crossed regions with people: those groups are then left out. Groups below the minimum are not
kept at all, so that a table that is never changed holds nobody who stands out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa

from ioc_analytics.database.copying import copy_in
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.vocabularies import ALL, MERGED, TRAITS, UNKNOWN
from ioc_analytics.states.catalogue import Categories
from ioc_analytics.states.cells import COUNT_DTYPE, TraitCells, join_cells
from ioc_analytics.states.reading import (
    Ground,
    read_by_instrument,
    read_ground,
    snapshot,
    whole_run,
)
from ioc_analytics.states.rebuild import cell_keys
from ioc_analytics.states.rows import read_rows, score_matrix
from ioc_analytics.states.selection import Selection
from ioc_analytics.states.stored import merge_cells
from ioc_analytics.statistics.counts import FloatArray, IntArray

NORM_DIMENSIONS: Final = ("region", "gender", "age_band")
"""What norm groups are made by, the one that is given up last first."""

Group = tuple[str, str, str]
"""Region, gender and age band, ``all`` where the group is not split by one."""

_Key = tuple[str, str, str, str]
"""Instrument and group."""


@dataclass(frozen=True, slots=True)
class NormGroups:
    """The groups of a range, small ones included."""

    keys: Sequence[_Key]
    cells: TraitCells
    """One cell per key."""

    is_crossed: bool
    """Whether regions are crossed with gender and age band."""

    responses: int
    """Scored responses that they were made from."""

    as_of: datetime | None
    """When the newest batch had been loaded."""


@dataclass(frozen=True, slots=True)
class NormCounts:
    """The scores of one trait in one group, as stored."""

    values: FloatArray
    """Distinct scores, ascending, shape ``(n_distinct,)``."""

    counts: IntArray
    """How often each occurs."""


Norms = Mapping[tuple[str, str, Group], NormCounts]
"""Groups by instrument, trait and group."""


def fall_back(region: str | None, gender: str | None, age_band: str | None) -> list[Group]:
    """Return the groups that a person may be compared with, the narrowest first.

    The age band is given up first, then gender, then region. What is not known is not split by.

    Example:
        >>> fall_back("Caribbean", None, "25_34")[:2]
        [('Caribbean', 'all', '25_34'), ('Caribbean', 'all', 'all')]
    """
    place, sex, age = (
        ALL if word is None or word == UNKNOWN else word for word in (region, gender, age_band)
    )
    groups = [(place, sex, age), (place, sex, ALL), (place, ALL, ALL), (ALL, ALL, ALL)]
    return list(dict.fromkeys(groups))


def count_groups(
    connection: psycopg.Connection[Any], time_range: TimeRange, *, with_careless: bool
) -> NormGroups:
    """Count the norm groups of a range, in a snapshot of its own.

    Args:
        connection: A connection of the analyst's role.
        time_range: Start times of the responses, half-open.
        with_careless: Whether responses flagged as careless count too.

    Raises:
        InvalidInput: The range cuts a day whose rows are gone.
    """
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        is_crossed = not ground.periods.sealed_months
        read = _from_rows if is_crossed else _from_states
        parts = list(read(connection, ground, None if with_careless else False))
    found = [key for part, _ in parts for key in part]
    joined = join_cells([cells for _, cells in parts])
    keys, cells = merge_cells(found, joined, lambda key: key)
    whole = [at for at, key in enumerate(keys) if key[1:] == (ALL, ALL, ALL)]
    responses = int(cells.responses[whole].sum())
    return NormGroups(keys, cells, is_crossed, responses, ground.as_of)


def write_groups(
    connection: psycopg.Connection[Any], version: str, groups: NormGroups, minimum_n: int
) -> int:
    """Write the groups of a version that are large enough; return how many rows that are."""
    rows = []
    for key, packed in zip(groups.keys, groups.cells.pack()[0], strict=True):
        counts = np.frombuffer(packed, dtype=COUNT_DTYPE)
        for at, trait in enumerate(TRAITS):
            mine = counts[counts["trait"] == at]
            if (number := int(mine["n"].sum())) >= minimum_n:
                rows.append((version, *key, trait, number, mine.tobytes()))
    if not rows:
        return 0
    columns = ("version", "instrument", *NORM_DIMENSIONS, "dimension", "sample_size", "counts")
    batch = pa.RecordBatch.from_pydict(
        dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
    )
    return copy_in(connection, "internal", "norm_counts", [batch])


def read_norms(
    connection: psycopg.Connection[Any],
    version: str,
    instrument: str | None = None,
    trait: str | None = None,
) -> Norms:
    """Return the groups of a version, of one instrument or trait where they are named."""
    found = {}
    for name, dimension, *group, counts in connection.execute(
        sqlfiles.query("states/norms"),
        {"version": version, "instrument": instrument, "dimension": trait},
        binary=True,
    ):
        packed = np.frombuffer(counts, dtype=COUNT_DTYPE)
        found[name, dimension, (group[0], group[1], group[2])] = NormCounts(
            packed["score"].astype(np.float64), packed["n"].astype(np.int64)
        )
    return found


def _from_rows(
    connection: psycopg.Connection[Any], ground: Ground, is_careless: bool | None
) -> Iterator[tuple[list[_Key], TraitCells]]:
    categories = ground.catalogue.categories
    chosen = Selection({}, is_careless).row_filter(categories)
    start, end = whole_run(ground.periods)
    columns = {"instrument", *NORM_DIMENSIONS, *TRAITS}
    blocks = [
        _count_block(rows, categories)
        for rows in read_rows(connection, start, end, chosen, columns)
    ]
    finest = [key for keys, _ in blocks for key in keys]
    cells = join_cells([cells for _, cells in blocks])
    if not finest:
        return
    for kept in product((True, False), repeat=len(NORM_DIMENSIONS)):
        wider = partial(_widen, kept=(True, *kept))
        yield _nameable(*merge_cells(finest, cells, wider))


def _widen(key: tuple[Any, ...], kept: Sequence[bool]) -> tuple[Any, ...]:
    return tuple(word if is_kept else ALL for word, is_kept in zip(key, kept, strict=True))


def _count_block(
    rows: npt.NDArray[np.void], categories: Categories
) -> tuple[list[tuple[str, ...]], TraitCells]:
    columns = ("instrument", *NORM_DIMENSIONS)
    parts, places = cell_keys(rows, columns)
    keys = [
        tuple(categories[name][code] for name, code in zip(columns, codes, strict=True))
        for codes in parts.tolist()
    ]
    return keys, TraitCells.from_scores(score_matrix(rows), places, len(keys))


def _from_states(
    connection: psycopg.Connection[Any], ground: Ground, is_careless: bool | None
) -> Iterator[tuple[list[_Key], TraitCells]]:
    def read(by: str | None, allowed: Mapping[str, frozenset[str]]) -> Any:
        return read_by_instrument(connection, Selection(allowed, is_careless), ground, by)

    for at, by in enumerate(NORM_DIMENSIONS):
        words, cells = read(by, {})
        before, after = [ALL] * at, [ALL] * (len(NORM_DIMENSIONS) - at - 1)
        yield _nameable([(name, *before, word, *after) for word, name in words], cells)
    words, cells = read(None, {})
    yield _nameable([(name, ALL, ALL, ALL) for _, name in words], cells)
    for gender in ground.catalogue.categories["gender"].values():
        words, cells = read("age_band", {"gender": frozenset({gender})})
        yield _nameable([(name, ALL, gender, word) for word, name in words], cells)


def _nameable(keys: Sequence[Any], cells: TraitCells) -> tuple[list[_Key], TraitCells]:
    """Leave out what is no group: people, or instruments, that nobody knows."""
    kept = [at for at, key in enumerate(keys) if not {UNKNOWN, MERGED} & set(key)]
    return [keys[at] for at in kept], cells.choose(kept)
