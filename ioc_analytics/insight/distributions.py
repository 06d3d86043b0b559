"""Releasing ``ocean_trait_distributions``: distributions per day and month, small cells withheld.

For: refresh and its Dagster asset. Not for: exact answers to analysts (``insight.ocean``), or
counting people (``insight.people``).

A figure about fewer than ten people is not released; the row stays, with its reason, so that a
reader sees that there is something and why it is not shown. An assessment type and an instrument
that nobody registered are open words: what fewer than ten people used is released as ``unknown``.

Of a sealed month people can no longer be counted: a cell that was shown stays so, and one that was
withheld is shown when enough people came after the seal.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from ioc_analytics.database.copying import copy_rows_in
from ioc_analytics.insight.people import (
    KEY,
    WITHHELD,
    Key,
    Labels,
    common_labels,
    count_repeats,
    known_labels,
    labels_of,
    shown_cells,
)
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.releases import MINIMUM_PEOPLE
from ioc_analytics.records.vocabularies import ALL, MERGED, TRAITS
from ioc_analytics.states.cells import TraitCells, join_cells
from ioc_analytics.states.families import BY_NAME, DIMENSIONS
from ioc_analytics.states.rebuild import next_month
from ioc_analytics.states.sealing import is_sealed
from ioc_analytics.states.stored import merge_cells, read_cells
from ioc_analytics.statistics.distributions import describe_counts

Split = tuple[str, tuple[str, ...]]
"""A family, and the dimensions that its cells keep when they are released."""

_MONTH_SPLITS: Final[tuple[Split, ...]] = tuple(
    (name, BY_NAME[name].dimensions)
    for name in (
        "month_all",
        "month_industry",
        "month_industry_size",
        "month_region",
        "month_cell",
        "month_person",
        "month_device",
        "month_type",
    )
)
_DAY_SPLITS: Final[tuple[Split, ...]] = (
    ("day_all", ()),
    ("day_cell", ("industry_category",)),
    ("day_cell", ("region",)),
    ("day_device", ("device_type",)),
)
"""Days are released as a whole and by single dimensions: finer, nearly all would be withheld."""

_COLUMNS: Final = (
    "period_start", "period_end", "grain", *KEY, "dimension", "sample_size",
    "mean", "std_dev", "minimum", "p05", "p10", "p25", "p50", "p75", "p90", "p95", "maximum",
    "skewness", "kurtosis", "histogram", "withheld_reason",
)  # fmt: skip
_FIGURES: Final = _COLUMNS.index("withheld_reason") - _COLUMNS.index("sample_size")
_NONE_SHOWN: Final = (*[None] * _FIGURES, WITHHELD)
_NOBODY: Final = (0,) * len(TRAITS)

Cells = tuple[list[Key], TraitCells]


def release_months(
    connection: psycopg.Connection[Any], months: Iterable[date], listed_types: Collection[str] = ()
) -> int:
    """Release the distributions of some months from their states.

    Args:
        connection: A connection of the ingesting role.
        months: First day of each.
        listed_types: Assessment types that are named however few people took them.

    Returns:
        The rows written.
    """
    known = known_labels(connection, listed_types)
    return sum(
        _release(connection, "month", month, next_month(month), _MONTH_SPLITS, known)
        for month in sorted(set(months))
    )


def release_days(connection: psycopg.Connection[Any], days: Iterable[date]) -> int:
    """Release the distributions of some days from their states; return the rows written."""
    known = known_labels(connection, ())
    return sum(
        _release(connection, "day", day, day + timedelta(days=1), _DAY_SPLITS, known)
        for day in sorted(set(days))
    )


def _release(
    connection: psycopg.Connection[Any],
    grain: str,
    start: date,
    end: date,
    splits: Sequence[Split],
    known: Labels,
) -> int:
    live = [_read(connection, split, "live", start, end) for split in splits]
    cells, shown_before = live, frozenset[tuple[Any, ...]]()
    if is_sealed(connection, start):
        shown_before = shown_cells(connection, grain, start)
        sealed = [_read(connection, split, "sealed", start, end) for split in splits]
        cells = [_join(old, new) for old, new in zip(sealed, live, strict=True)]
    unclosed = labels_of(key for keys, _ in cells for key in keys) - known
    common = common_labels(connection, start, end, unclosed) | labels_of(shown_before)
    hidden = unclosed - common
    repeats = count_repeats(connection, start, end, [kept for _, kept in splits], hidden)
    people: dict[Key, list[int]] = {}
    for part in live:
        keys, merged = _merge(part, hidden)
        for key, scores in zip(keys, merged.count_traits().tolist(), strict=True):
            more = repeats.get(key, _NOBODY)
            people[key] = [n - repeated for n, repeated in zip(scores, more, strict=True)]
    # All of it first: nothing can be read on a connection that is in the middle of a COPY.
    rows: list[tuple[Any, ...]] = []
    for part in cells:
        for key, cell in _single(*_merge(part, hidden)):
            (numbers,) = cell.count_traits().tolist()
            for trait, name in enumerate(TRAITS):
                is_enough = people.get(key, _NOBODY)[trait] >= MINIMUM_PEOPLE
                was_shown = (*key, name) in shown_before
                # At sealing small cells gave up dimensions, and others have fewer scores since.
                is_shown = (is_enough or was_shown) and numbers[trait] >= MINIMUM_PEOPLE
                figures = _figures(cell, trait) if is_shown else _NONE_SHOWN
                rows.append((start, end, grain, *key, name, *figures))
    connection.execute(
        sqlfiles.query("insight/forget_distributions"), {"grain": grain, "start": start}
    )
    return copy_rows_in(connection, "analytics", "ocean_trait_distributions", _COLUMNS, rows)


def _read(
    connection: psycopg.Connection[Any], split: Split, layer: str, start: date, end: date
) -> Cells:
    """Return the cells of one layer under the keys that they are released by, not yet merged."""
    family, kept = split
    keys, cells = read_cells(connection, family, layer, start, end)
    is_kept = [name in kept for name in DIMENSIONS]
    return [
        (key[1], *(v if k else ALL for v, k in zip(key[3:], is_kept, strict=True))) for key in keys
    ], cells


def _join(first: Cells, second: Cells) -> Cells:
    return [*first[0], *second[0]], join_cells([first[1], second[1]])


def _merge(cells: Cells, hidden: Labels) -> Cells:
    """Return the released cells: by instrument and for all, careless responses included."""
    if not cells[0]:
        return cells
    single = merge_cells(*cells, hidden.hide)
    return _join(single, merge_cells(*single, lambda key: (ALL, *key[1:])))


def _single(keys: list[Key], cells: TraitCells) -> Iterator[tuple[Key, TraitCells]]:
    counts, moments = cells.pack()
    for at, key in enumerate(keys):
        # What was given up at sealing is part of the wider cells, and no category of its own.
        if MERGED not in key:
            yield key, TraitCells.unpack([int(cells.responses[at])], [counts[at]], [moments[at]])


def _figures(cell: TraitCells, trait: int) -> tuple[Any, ...]:
    d = describe_counts(*cell.of_trait(trait))
    histogram = d.histogram and {"edges": d.histogram.edges, "counts": d.histogram.counts}
    return (
        d.sample_size,
        d.average,
        d.std_dev,
        d.minimum,
        *(d.percentiles[key] for key in (5, 10, 25, 50, 75, 90, 95)),
        d.maximum,
        d.skewness,
        d.kurtosis,
        Jsonb(histogram),
        None,
    )
