"""Releasing ``ocean_trait_distributions``: distributions per day and month, small cells withheld.

For: refresh and its Dagster asset. Not for: exact answers to analysts (``insight.ocean``).

A figure about fewer than ten people is not released; the row stays, with its reason, so that a
reader sees that there is something and why it is not shown.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from ioc_analytics.database.copying import copy_rows_in
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.vocabularies import ALL, MERGED, TRAITS
from ioc_analytics.states.cells import TraitCells, join_cells
from ioc_analytics.states.families import DIMENSIONS
from ioc_analytics.states.rebuild import next_month
from ioc_analytics.states.stored import merge_cells, read_cells
from ioc_analytics.statistics.distributions import describe_counts

MINIMUM_PEOPLE: Final = 10
"""Fewest responses in a released cell."""

WITHHELD: Final = f"fewer than {MINIMUM_PEOPLE} responses"

_MONTH_FAMILIES: Final = (
    "month_all",
    "month_industry",
    "month_industry_size",
    "month_region",
    "month_cell",
    "month_person",
    "month_device",
    "month_type",
)
_DAY_SPLITS: Final = (
    ("day_all", ()),
    ("day_cell", ("industry_category",)),
    ("day_cell", ("region",)),
    ("day_device", ("device_type",)),
)
"""Days are released as a whole and by single dimensions: finer, nearly all would be withheld."""

_COLUMNS: Final = (
    "period_start", "period_end", "grain", "instrument", *DIMENSIONS, "dimension", "sample_size",
    "mean", "std_dev", "minimum", "p05", "p10", "p25", "p50", "p75", "p90", "p95", "maximum",
    "skewness", "kurtosis", "histogram", "withheld_reason",
)  # fmt: skip
_FIGURES: Final = _COLUMNS.index("withheld_reason") - _COLUMNS.index("sample_size")

Key = tuple[Any, ...]


def release_months(connection: psycopg.Connection[Any], months: Iterable[date]) -> int:
    """Release the distributions of some months from their states; return the rows written."""
    return sum(
        _replace(connection, "month", month, next_month(month), _month_cells(connection, month))
        for month in sorted(set(months))
    )


def release_days(connection: psycopg.Connection[Any], days: Iterable[date]) -> int:
    """Release the distributions of some days from their states; return the rows written."""
    return sum(
        _replace(connection, "day", day, day + timedelta(days=1), _day_cells(connection, day))
        for day in sorted(set(days))
    )


def _month_cells(
    connection: psycopg.Connection[Any], month: date
) -> Iterator[tuple[list[Key], TraitCells]]:
    for family in _MONTH_FAMILIES:
        yield _both_layers(connection, family, month, next_month(month), DIMENSIONS)


def _day_cells(
    connection: psycopg.Connection[Any], day: date
) -> Iterator[tuple[list[Key], TraitCells]]:
    for family, kept in _DAY_SPLITS:
        yield _both_layers(connection, family, day, day + timedelta(days=1), kept)


def _both_layers(
    connection: psycopg.Connection[Any],
    family: str,
    start: date,
    end: date,
    kept: Sequence[str],
) -> tuple[list[Key], TraitCells]:
    """Return the cells by instrument and for all instruments, careless responses included."""
    parts = [read_cells(connection, family, layer, start, end) for layer in ("live", "sealed")]
    keys = [key for part, _ in parts for key in part]
    cells = join_cells([cells for _, cells in parts])
    if not keys:
        return [], cells
    split = [name in kept for name in DIMENSIONS]

    def group(instrument: Callable[[Key], str]) -> tuple[list[Key], TraitCells]:
        return merge_cells(
            keys,
            cells,
            lambda key: (
                instrument(key),
                *(v if k else ALL for v, k in zip(key[3:], split, strict=True)),
            ),
        )

    single, everything = group(lambda key: str(key[1])), group(lambda _: ALL)
    return single[0] + everything[0], join_cells([single[1], everything[1]])


def _replace(
    connection: psycopg.Connection[Any],
    grain: str,
    start: date,
    end: date,
    groups: Iterable[tuple[list[Key], TraitCells]],
) -> int:
    connection.execute(
        sqlfiles.query("insight/forget_distributions"), {"grain": grain, "start": start}
    )
    # All of it first: nothing can be read on a connection that is in the middle of a COPY.
    rows = [
        (start, end, grain, *key, *figures)
        for keys, cells in groups
        for key, figures in _rows(keys, cells)
    ]
    return copy_rows_in(connection, "analytics", "ocean_trait_distributions", _COLUMNS, rows)


def _rows(keys: list[Key], cells: TraitCells) -> Iterator[tuple[Key, tuple[Any, ...]]]:
    counts, moments = cells.pack()
    for at, key in enumerate(keys):
        if MERGED in key:
            # Given up at sealing: it is part of the wider cells, and no category of its own.
            continue
        cell = TraitCells.unpack([int(cells.responses[at])], [counts[at]], [moments[at]])
        for trait, name in enumerate(TRAITS):
            yield (*key, name), _figures(cell, trait)


def _figures(cell: TraitCells, trait: int) -> tuple[Any, ...]:
    values, counts = cell.of_trait(trait)
    if counts.sum() < MINIMUM_PEOPLE:
        return (*[None] * _FIGURES, WITHHELD)
    d = describe_counts(values, counts)
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
