"""States that need no packing tricks: sums per organization, counts per distinct time.

For: benchmarks, cluster-robust intervals and medians of time spent. Not for: traits and items.
"""

from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa

from ioc_analytics.database.copying import copy_in
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.catalogue import Categories
from ioc_analytics.states.rows import ABANDONED, COMPLETED, score_matrix
from ioc_analytics.statistics.moments import CENTRE_POINTS

TIME_DTYPE: Final = np.dtype([("seconds", ">f8"), ("n", ">u4")])
"""A packed count of a distinct time spent."""

_COUNTS: Final = ("started", "completed", "abandoned", "timed", "whole", "validated", "agreed")

SUM_DTYPE: Final = np.dtype(
    [
        *((name, "i8") for name in (*_COUNTS, "careless")),
        ("time_sum", "f8"),
        ("time_square_sum", "f8"),
        ("trait_n", "i8", (5,)),
        ("trait_sum", "f8", (5,)),
        ("trait_square_sum", "f8", (5,)),
    ]
)
"""Sums of responses; ``careless`` counts completed ones that are flagged."""

TIMED: Final = frozenset({"status", "seconds"})
"""Columns of a row that ``completed_times`` reads."""

SUMMED: Final = TIMED | {"is_careless", "validated", "agreed", *TRAITS}
"""Columns of a row that ``sum_rows`` reads."""

_STEPS: Final = {
    "time_sum": 2.0**20,
    "time_square_sum": 2.0**10,
    "trait_sum": 2.0**26,
    "trait_square_sum": 2.0**20,
}
"""Steps per unit that summands are rounded to: whole numbers of steps add up exactly."""

_EPOCH: Final = date(2000, 1, 1)
_KEY: Final = np.dtype(
    [
        ("day", "i4"),
        ("org_hash", "V16"),
        ("instrument", "i2"),
        ("is_careless", "?"),
        ("industry_category", "i2"),
        ("org_size_category", "i2"),
    ]
)


def sum_rows(
    rows: npt.NDArray[np.void], places: npt.NDArray[np.intp], number: int
) -> npt.NDArray[np.void]:
    """Sum rows into places.

    Args:
        rows: What ``read_rows`` yields, with the columns ``SUMMED``.
        places: Place of each row.
        number: Number of places.

    Returns:
        ``SUM_DTYPE`` records. Every summand is a whole number of steps, so that sums are exact and
        take any order (``statistics.moments`` says how far).
    """
    seconds, is_timed = completed_times(rows)
    seconds = np.where(is_timed, seconds, 0.0)
    scores = score_matrix(rows)
    is_scored = ~np.isnan(scores)
    centred = np.where(is_scored, scores - CENTRE_POINTS, 0.0)
    is_completed = rows["status"] == COMPLETED

    def total(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return np.bincount(places, weights=values, minlength=number).astype(np.float64)

    sums = np.zeros(number, dtype=SUM_DTYPE)
    sums["started"] = np.bincount(places, minlength=number)
    sums["completed"] = total(is_completed)
    sums["abandoned"] = total(rows["status"] == ABANDONED)
    sums["careless"] = total(is_completed & rows["is_careless"])
    sums["timed"] = total(is_timed)
    sums["whole"] = total(is_timed & is_scored.all(axis=1))
    sums["validated"] = total(rows["validated"])
    sums["agreed"] = total(rows["agreed"])
    sums["time_sum"] = total(_stepped(seconds, "time_sum"))
    sums["time_square_sum"] = total(_stepped(seconds**2, "time_square_sum"))
    for at in range(scores.shape[1]):
        sums["trait_n"][:, at] = total(is_scored[:, at])
        column = centred[:, at]
        sums["trait_sum"][:, at] = total(_stepped(column, "trait_sum"))
        sums["trait_square_sum"][:, at] = total(_stepped(column**2, "trait_square_sum"))
    return sums


def _stepped(values: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
    return np.asarray(np.rint(values * _STEPS[name]) / _STEPS[name])


def write_organization_days(
    connection: psycopg.Connection[Any],
    rows: npt.NDArray[np.void],
    categories: Categories,
) -> None:
    """Sum the responses of each organization and day and write the sums."""
    keys = np.zeros(len(rows), dtype=_KEY)
    for name in _KEY.names or ():
        keys[name] = rows[name]
    distinct, places = np.unique(keys.view(f"V{_KEY.itemsize}").ravel(), return_inverse=True)
    distinct = distinct.view(_KEY)
    number = len(distinct)
    sums = sum_rows(rows, places, number)
    columns = {
        "family": pa.array(["day"] * number),
        "period_start": pa.array(
            [_EPOCH + timedelta(days=day) for day in distinct["day"].tolist()], type=pa.date32()
        ),
        "layer": pa.array(["live"] * number),
        "org_hash": pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(16), number, [None, pa.py_buffer(distinct["org_hash"].tobytes())]
        ),
        "is_careless": pa.array(distinct["is_careless"].tolist()),
        **{name: pa.array(sums[name]) for name in (*_COUNTS, "time_sum", "time_square_sum")},
    }
    for name in ("instrument", "industry_category", "org_size_category"):
        columns[name] = pa.array([categories[name][code] for code in distinct[name].tolist()])
    for name in ("trait_n", "trait_sum", "trait_square_sum"):
        kind = pa.int64() if name == "trait_n" else pa.float64()
        columns[name] = pa.array(sums[name].tolist(), type=pa.list_(kind))
    copy_in(connection, "internal", "organization_states", [pa.RecordBatch.from_pydict(columns)])


def completed_times(
    rows: npt.NDArray[np.void],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the seconds of each row, and which of them are the time of a completed response."""
    seconds = rows["seconds"].astype(np.float64)
    return seconds, ~np.isnan(seconds) & (rows["status"] == COMPLETED)


def write_time_days(
    connection: psycopg.Connection[Any],
    rows: npt.NDArray[np.void],
    categories: Categories,
) -> None:
    """Count the distinct times spent of each day and write the counts."""
    rows = rows[completed_times(rows)[1]]
    if not len(rows):
        return
    order = np.lexsort(
        (rows["seconds"].astype(np.float64), rows["is_careless"], rows["instrument"], rows["day"])
    )
    rows = rows[order]
    groups: dict[tuple[int, int, bool], npt.NDArray[np.void]] = {}
    keys = np.stack([rows["day"], rows["instrument"], rows["is_careless"]], axis=1).astype(np.int64)
    starts = np.flatnonzero(np.any(np.diff(keys, axis=0, prepend=-1) != 0, axis=1))
    for low, high in zip(starts, [*starts[1:], len(rows)], strict=True):
        values, counts = np.unique(rows["seconds"][low:high].astype(np.float64), return_counts=True)
        packed = np.empty(len(values), dtype=TIME_DTYPE)
        packed["seconds"], packed["n"] = values, counts
        day, instrument, flag = keys[low].tolist()
        groups[day, instrument, bool(flag)] = packed
    _write_times(
        connection,
        "day",
        {
            (_EPOCH + timedelta(days=day), categories["instrument"][instrument], flag): packed
            for (day, instrument, flag), packed in groups.items()
        },
    )


def write_day_totals(connection: psycopg.Connection[Any], start: date, end: date) -> None:
    """Add the organization sums of each day of ``[start, end)`` up to the day's own."""
    connection.execute(sqlfiles.query("states/sum_days"), {"start": start, "end": end})


def write_sum_months(connection: psycopg.Connection[Any], month: date, end: date) -> None:
    """Merge the organization and time states of a month from its days."""
    period = {"month": month, "start": month, "end": end}
    connection.execute(sqlfiles.query("states/merge_organizations"), period)
    groups: dict[tuple[date, str, bool], list[npt.NDArray[np.void]]] = {}
    for _, instrument, flag, counts in _read_times(connection, "day", "live", month, end):
        groups.setdefault((month, instrument, flag), []).append(counts)
    _write_times(connection, "month", {key: merge_times(parts) for key, parts in groups.items()})


def seal_times(connection: psycopg.Connection[Any], month: date, end: date) -> None:
    """Seal the time states of a month; they are of whole instruments and keep their cells."""
    for family in ("day", "month"):
        groups: dict[tuple[date, str, bool], list[npt.NDArray[np.void]]] = {}
        for layer in ("sealed", "live"):
            for period, instrument, flag, counts in _read_times(
                connection, family, layer, month, end
            ):
                groups.setdefault((period, instrument, flag), []).append(counts)
        connection.execute(
            sqlfiles.query("states/forget_times"), {"family": family, "start": month, "end": end}
        )
        merged = {key: merge_times(parts) for key, parts in groups.items()}
        _write_times(connection, family, merged, layer="sealed")


def merge_times(parts: list[npt.NDArray[np.void]]) -> npt.NDArray[np.void]:
    """Return the counts of all parts together."""
    stacked = np.concatenate(parts)
    values, places = np.unique(stacked["seconds"].astype(np.float64), return_inverse=True)
    merged = np.empty(len(values), dtype=TIME_DTYPE)
    merged["seconds"] = values
    merged["n"] = np.bincount(places, weights=stacked["n"], minlength=len(values))
    return merged


def _read_times(
    connection: psycopg.Connection[Any], family: str, layer: str, start: date, end: date
) -> list[tuple[date, str, bool, npt.NDArray[np.void]]]:
    rows = connection.execute(
        sqlfiles.query("states/times"),
        {"family": family, "layer": layer, "start": start, "end": end},
        binary=True,
    )
    return [(*key, np.frombuffer(counts, dtype=TIME_DTYPE)) for *key, counts in rows]


def _write_times(
    connection: psycopg.Connection[Any],
    family: str,
    groups: dict[tuple[date, str, bool], npt.NDArray[np.void]],
    layer: str = "live",
) -> None:
    columns = {
        "family": pa.array([family] * len(groups)),
        "period_start": pa.array([day for day, _, _ in groups], type=pa.date32()),
        "layer": pa.array([layer] * len(groups)),
        "instrument": pa.array([name for _, name, _ in groups], type=pa.string()),
        "is_careless": pa.array([flag for _, _, flag in groups], type=pa.bool_()),
        "responses": pa.array([int(p["n"].sum()) for p in groups.values()], type=pa.int64()),
        "counts": pa.array([p.tobytes() for p in groups.values()], type=pa.binary()),
    }
    copy_in(connection, "internal", "time_states", [pa.RecordBatch.from_pydict(columns)])
