"""Counting states from rows, a month at a time, and clearing the marks that asked for it.

For: refresh and rebuild. Not for: answering (``states.reading``), which is right with or without.

One transaction per month: take the month's lock, note its marks, count the marked days from rows,
carry what changed in them on to the month, delete the noted marks. A mark that arrives meanwhile
stays, and with it the day counts as touched until the next round. The lock is on the month and not
on the day, because two rebuilders of one month would write the same month rows.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa

from ioc_analytics.database.copying import copy_in
from ioc_analytics.database.locks import transaction_lock
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.vocabularies import ALL
from ioc_analytics.states.catalogue import Categories, read_categories, read_instruments
from ioc_analytics.states.cells import TraitCells
from ioc_analytics.states.changes import Change, carry_on, join_changes
from ioc_analytics.states.families import BY_NAME, DIMENSIONS, FAMILIES, SPLIT, Family
from ioc_analytics.states.items import ItemState
from ioc_analytics.states.rows import (
    NO_ROWS,
    RowFilter,
    answer_matrix,
    read_answers,
    read_rows,
    score_matrix,
)
from ioc_analytics.states.stored import CellKey, read_cells
from ioc_analytics.states.sums import (
    write_day_totals,
    write_organization_days,
    write_sum_months,
    write_time_days,
)

_EPOCH: Final = date(2000, 1, 1)
_RADIX: Final = 1 << 15


def touched_months(connection: psycopg.Connection[Any]) -> list[date]:
    """Return the months that have marks, ascending."""
    return list(newest_marks(connection))


def newest_marks(connection: psycopg.Connection[Any]) -> dict[date, int]:
    """Return the months that have marks, ascending, each with its newest mark's number."""
    return dict(connection.execute(sqlfiles.query("states/touched_months")).fetchall())


def rebuild_month(
    connection: psycopg.Connection[Any],
    month: date,
    *,
    whole: bool = False,
    last_batch: int | None = None,
) -> list[date]:
    """Bring the states of one month up to date, in the caller's transaction.

    Args:
        connection: A connection of the ingesting role, with no snapshot taken yet.
        month: First day of the month.
        whole: Count every day of the month again, marked or not.
        last_batch: Count the responses of batches up to this one alone, as sealing does.

    Returns:
        The days that were counted, ascending.
    """
    transaction_lock(connection, f"states {month:%Y-%m}")
    end = next_month(month)
    period = {"start": month, "end": end}
    marks = connection.execute(sqlfiles.query("states/marks"), period).fetchall()
    days = sorted({day for _, day in marks})
    if whole:
        days = [month + timedelta(days=n) for n in range((end - month).days)]
    if not days:
        return []
    categories = read_categories(connection)
    instruments = read_instruments(connection)
    if whole:
        connection.execute(sqlfiles.query("states/forget_traits"), period)
    connection.execute(sqlfiles.query("states/forget_days"), {"days": days})
    changes: dict[str, list[Change]] = {}
    for first, last in adjacent_days(days):
        for family, change in _count_days(
            connection, first, last, categories, instruments, RowFilter({}, last_batch=last_batch)
        ):
            changes.setdefault(family.name, []).append(change)
        write_day_totals(connection, first, last)
    connection.execute(sqlfiles.query("states/plan_for_few"))
    for name, parts in changes.items():
        change = join_changes(parts)
        change.write(connection, BY_NAME[name])
        carry_on(connection, name, change)
    connection.execute(sqlfiles.query("states/forget_month"), {"month": month})
    _merge_items(connection, month, end)
    write_sum_months(connection, month, end)
    connection.execute(
        sqlfiles.query("states/clear_marks"), {"marks": [number for number, _ in marks]}
    )
    return days


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def adjacent_days(days: Iterable[date]) -> list[tuple[date, date]]:
    """Return runs of adjacent days as first day and first day after."""
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        after = day + timedelta(days=1)
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], after)
        else:
            runs.append((day, after))
    return runs


def midnight(day: date) -> datetime:
    """Return the beginning of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _count_days(
    connection: psycopg.Connection[Any],
    first: date,
    last: date,
    categories: Categories,
    instruments: dict[str, Instrument],
    chosen: RowFilter,
) -> list[tuple[Family, Change]]:
    start, end = midnight(first), midnight(last)
    before = {
        family: read_cells(connection, family.name, "live", first, last)
        for family in FAMILIES
        if family.source is None
    }
    blocks = read_rows(connection, start, end, chosen)
    rows = np.concatenate([NO_ROWS, *blocks])
    changes = [
        (family, Change.between(*before[family], *_count_traits(family, rows, categories)))
        for family in before
    ]
    if not len(rows):
        return changes
    write_organization_days(connection, rows, categories)
    write_time_days(connection, rows, categories)
    names = {categories["instrument"][int(code)] for code in np.unique(rows["instrument"])}
    for name in sorted(names & set(instruments)):
        _count_items(connection, instruments[name], start, end, chosen)
    return changes


def cell_keys(
    rows: npt.NDArray[np.void], columns: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the distinct combinations of some columns of rows, and that of each row.

    Returns:
        Shape ``(n_cells, n_columns)``, and the cell of each row, shape ``(n_rows,)``.
    """
    # Two columns at a time: a product of all their sizes would not fit into 64 bits.
    cells = np.zeros(len(rows), dtype=np.int64)
    parts = np.zeros((1, 0), dtype=np.int64)
    for column in columns:
        values = rows[column].astype(np.int64)
        keys, cells = np.unique(cells * _RADIX + values % _RADIX, return_inverse=True)
        left, value = np.divmod(keys, _RADIX)
        parts = np.column_stack([parts[left], value])
    return parts, cells


def _count_traits(
    family: Family, rows: npt.NDArray[np.void], categories: Categories
) -> tuple[list[CellKey], TraitCells]:
    scores = score_matrix(rows)
    is_scored = ~np.isnan(scores).all(axis=1)
    scores, rows = scores[is_scored], rows[is_scored]
    columns = ("day", *SPLIT, *family.dimensions)
    parts, cells = cell_keys(rows, columns)
    number = len(parts) if len(rows) else 0
    values: dict[str, list[Any]] = {name: [ALL] * number for name in DIMENSIONS}
    for at, column in enumerate(columns):
        codes = parts[:number, at].tolist()
        if column == "day":
            values[column] = [_EPOCH + timedelta(days=day) for day in codes]
        elif column == "is_careless":
            values[column] = [bool(flag) for flag in codes]
        else:
            values[column] = [categories[column][code] for code in codes]
    ordered = (values[name] for name in ("day", *SPLIT, *DIMENSIONS))
    return list(zip(*ordered, strict=True)), TraitCells.from_scores(scores, cells, number)


def _count_items(
    connection: psycopg.Connection[Any],
    instrument: Instrument,
    start: datetime,
    end: datetime,
    chosen: RowFilter,
) -> None:
    blocks = list(
        read_answers(connection, start, end, instrument.name, len(instrument.items), chosen)
    )
    if not blocks:
        return
    rows = np.concatenate(blocks)
    answers = answer_matrix(rows)
    parts, cells = cell_keys(rows, ("day", "is_careless"))
    order = np.argsort(cells, kind="stable")
    limits = np.searchsorted(cells[order], np.arange(len(parts) + 1))
    write_items(
        connection,
        "day",
        [_EPOCH + timedelta(days=day) for day in parts[:, 0].tolist()],
        [instrument.name] * len(parts),
        [bool(flag) for flag in parts[:, 1].tolist()],
        [
            ItemState.from_answers(answers[order[low:high]], instrument)
            for low, high in zip(limits[:-1], limits[1:], strict=True)
        ],
    )


def write_items(
    connection: psycopg.Connection[Any],
    family: str,
    periods: Sequence[date],
    instruments: Sequence[str],
    is_careless: Sequence[bool],
    states: Sequence[ItemState],
    layer: str = "live",
) -> None:
    """Write item states of one family."""
    number = len(states)
    columns = {
        "family": pa.array([family] * number),
        "period_start": pa.array(periods, type=pa.date32()),
        "layer": pa.array([layer] * number),
        "instrument": pa.array(instruments),
        "is_careless": pa.array(is_careless),
        "responses": pa.array([state.responses for state in states], type=pa.int64()),
        "items": pa.array([state.pack() for state in states], type=pa.binary()),
    }
    copy_in(connection, "internal", "item_states", [pa.RecordBatch.from_pydict(columns)])


def _merge_items(connection: psycopg.Connection[Any], month: date, end: date) -> None:
    groups: dict[tuple[str, bool], list[ItemState]] = {}
    for _, instrument, flag, responses, items in connection.execute(
        sqlfiles.query("states/items"),
        {"family": "day", "layer": "live", "start": month, "end": end},
        binary=True,
    ):
        groups.setdefault((instrument, flag), []).append(ItemState.unpack(responses, items))
    if groups:
        write_items(
            connection,
            "month",
            [month] * len(groups),
            [instrument for instrument, _ in groups],
            [flag for _, flag in groups],
            [ItemState.merge(states) for states in groups.values()],
        )
