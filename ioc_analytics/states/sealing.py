"""Sealing a month: its states become final, so that its rows may go.

For: retention (which drops the rows). Not for: deciding what has expired.

Sealed states are recounted from rows first and must agree. Cells with fewer responses than the
minimum give up their dimensions, the last declared first, until they are large enough or have
nothing left to give up; organizations under the minimum are added up without their pseudonym. What
has no dimension to give up stays as it is: the whole of a day, and its item sums per instrument,
can be those of a single person, so ``internal`` is not for readers.
"""

from datetime import date
from typing import Any, Final

import psycopg

from ioc_analytics.database.locks import transaction_lock
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput
from ioc_analytics.records.vocabularies import MERGED
from ioc_analytics.states.cells import TraitCells, join_cells
from ioc_analytics.states.families import DIMENSIONS, FAMILIES, Family
from ioc_analytics.states.items import ItemState
from ioc_analytics.states.rebuild import midnight, next_month, rebuild_month, write_items
from ioc_analytics.states.stored import merge_cells, read_cells, write_cells
from ioc_analytics.states.sums import seal_times, write_day_totals

MINIMUM_CELL: Final = 10
"""Fewest responses of a cell that keeps its dimensions."""


def is_sealed(connection: psycopg.Connection[Any], day: date) -> bool:
    """Return whether the rows of the month of a day may be gone."""
    month = {"month": day.replace(day=1)}
    row = connection.execute(sqlfiles.query("states/is_sealed"), month).fetchone()
    return bool(row and row[0])


def seal_month(
    connection: psycopg.Connection[Any],
    month: date,
    minimum_cell: int = MINIMUM_CELL,
    last_batch: int | None = None,
) -> int:
    """Seal the states of a month, in the caller's transaction; sealed again, it adds what is live.

    Responses of batches after ``last_batch`` stay live: they are counted apart.

    Args:
        connection: A connection of the ingesting role, with no snapshot taken yet.
        month: First day of a month that is over.
        minimum_cell: Cells with fewer responses are merged.
        last_batch: Newest batch whose responses are sealed; None: all that is there.

    Returns:
        Scored responses in the sealed states.

    Raises:
        InvalidInput: The month has touched days: refresh first.
        IntegrityFailure: The states differ from a recount of the rows; nothing was changed.
    """
    # Alone: a batch that committed between the recount and the seal would belong to neither layer.
    connection.execute(sqlfiles.query("states/stop_ingestion"))
    transaction_lock(connection, f"states {month:%Y-%m}")
    end = next_month(month)
    period = {"start": month, "end": end}
    if connection.execute(sqlfiles.query("states/marks"), period).fetchone():
        raise InvalidInput(f"{month:%Y-%m} has touched days; refresh its states before sealing it")
    _demand_recount(connection, month, end)
    is_split = last_batch is not None and _has_later(connection, month, end, last_batch)
    if is_split:
        rebuild_month(connection, month, whole=True, last_batch=last_batch)
    for family in FAMILIES:
        _seal_traits(connection, family, month, end, minimum_cell)
    _seal_items(connection, month, end)
    connection.execute(sqlfiles.query("states/seal_sums"), period | {"minimum_cell": minimum_cell})
    write_day_totals(connection, month, end)
    seal_times(connection, month, end)
    row = connection.execute(
        sqlfiles.query("states/seal_month"),
        period | {"minimum_cell": minimum_cell, "last_batch": last_batch},
    ).fetchone()
    if is_split:
        rebuild_month(connection, month, whole=True)
    return int(row[0]) if row else 0


def _has_later(
    connection: psycopg.Connection[Any], month: date, end: date, last_batch: int
) -> bool:
    row = connection.execute(
        sqlfiles.query("states/has_later_rows"),
        {"start": midnight(month), "end": midnight(end), "last_batch": last_batch},
    ).fetchone()
    return bool(row and row[0])


def _demand_recount(connection: psycopg.Connection[Any], month: date, end: date) -> None:
    families = [family for family in FAMILIES if family.grain == "day"]
    before = [read_cells(connection, family.name, "live", month, end) for family in families]
    rebuild_month(connection, month, whole=True)
    for family, (keys, cells) in zip(families, before, strict=True):
        recounted_keys, recounted = read_cells(connection, family.name, "live", month, end)
        if (
            keys != recounted_keys
            or cells.responses.tolist() != recounted.responses.tolist()
            or cells.pack() != recounted.pack()
        ):
            raise IntegrityFailure(
                f"the states {family.name} of {month:%Y-%m} differ from a recount of its rows; "
                "it was not sealed. Rebuild the month and look at what had changed its rows"
            )


def _seal_traits(
    connection: psycopg.Connection[Any],
    family: Family,
    month: date,
    end: date,
    minimum_cell: int,
) -> None:
    live_keys, live = read_cells(connection, family.name, "live", month, end)
    old_keys, old = read_cells(connection, family.name, "sealed", month, end)
    connection.execute(
        sqlfiles.query("states/forget_family"), {"family": family.name, "start": month, "end": end}
    )
    keys, cells = [*old_keys, *live_keys], join_cells([old, live])
    if not keys:
        return
    keys, cells = merge_cells(keys, cells, lambda key: key)
    for name in reversed(family.dimensions):
        keys, cells = _give_up(keys, cells, 3 + DIMENSIONS.index(name), minimum_cell)
    names = {
        name: [key[at] for key in keys]
        for at, name in ((1, "instrument"), *enumerate(DIMENSIONS, start=3))
    }
    write_cells(
        connection,
        family.name,
        [key[0] for key in keys],
        [key[2] for key in keys],
        names,
        cells,
        layer="sealed",
    )


def _give_up(
    keys: list[tuple[Any, ...]], cells: TraitCells, at: int, minimum_cell: int
) -> tuple[list[tuple[Any, ...]], TraitCells]:
    changed = [
        (*key[:at], MERGED, *key[at + 1 :]) if responses < minimum_cell else key
        for key, responses in zip(keys, cells.responses.tolist(), strict=True)
    ]
    return merge_cells(changed, cells, lambda key: key)


def _seal_items(connection: psycopg.Connection[Any], month: date, end: date) -> None:
    for family in ("day", "month"):
        groups: dict[tuple[Any, ...], list[ItemState]] = {}
        for layer in ("sealed", "live"):
            for *key, responses, items in connection.execute(
                sqlfiles.query("states/items"),
                {"family": family, "layer": layer, "start": month, "end": end},
                binary=True,
            ):
                groups.setdefault(tuple(key), []).append(ItemState.unpack(responses, items))
        connection.execute(
            sqlfiles.query("states/forget_items"), {"family": family, "start": month, "end": end}
        )
        if groups:
            keys = list(groups)
            write_items(
                connection,
                family,
                [key[0] for key in keys],
                [key[1] for key in keys],
                [key[2] for key in keys],
                [ItemState.merge(states) for states in groups.values()],
                layer="sealed",
            )
