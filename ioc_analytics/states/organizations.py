"""Sums per organization and counts of time spent over a range, exact and fresh.

For: metrics, cluster-robust intervals, benchmarks. Not for: traits and items (``states.reading``),
or writing these states (``states.sums``).
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg

from ioc_analytics.database.copying import FIXED_TYPES, copy_out
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.states.periods import Periods, Run
from ioc_analytics.states.reading import (
    Ground,
    Source,
    days_of,
    refuse_without_rows,
    whole_run,
    words_of,
)
from ioc_analytics.states.rows import read_rows
from ioc_analytics.states.selection import Selection
from ioc_analytics.states.sums import (
    SUMMED,
    TIME_DTYPE,
    TIMED,
    completed_times,
    merge_times,
    sum_rows,
)

By = Literal["day", "week", "month", "quarter"]
"""Length of the periods of a series; weeks begin on Monday."""

_SERVED: Final = frozenset({"industry_category", "org_size_category"})
"""Dimensions that organization sums are split by."""

_EPOCH: Final = np.datetime64("2000-01-01")
_KEY: Final = (
    ("period", "int4"),
    ("org_hash", "uuid"),
    ("industry_category", "int2"),
    ("org_size_category", "int2"),
)
_ROW_KEY: Final = frozenset({"day", *(name for name, _ in _KEY[1:])})
_NUMBERS: Final = (
    *((name, "int8") for name in (
        "started", "completed", "abandoned", "careless", "timed", "whole", "validated", "agreed",
        "unjudged",
    )),
    ("time_sum", "float8"),
    ("time_square_sum", "float8"),
    *((f"n_{at}", "int8") for at in range(1, 6)),
    *((f"{name}_{at}", "float8") for name in ("sum", "square") for at in range(1, 6)),
)  # fmt: skip
_ROW: Final = np.dtype([(name, FIXED_TYPES[kind]) for name, kind in (*_KEY, *_NUMBERS)])


@dataclass(frozen=True, slots=True, eq=False)
class OrganizationSums:
    """Sums of responses per period, organization, sector and size: arrays of one length.

    An organization whose assessments name several sectors or sizes has a place for each. In a
    series that is not split by organization, names and categories are empty.
    """

    periods: npt.NDArray[np.datetime64]
    """First day of the period; of a whole range, its first whole day. Ascending."""

    organizations: tuple[UUID, ...]
    """Pseudonyms; the nil UUID stands for small organizations of sealed months, added up."""

    industries: tuple[str, ...]
    sizes: tuple[str, ...]
    """Sector and size band; ``merged``: given up at sealing."""

    started: npt.NDArray[np.int64]
    completed: npt.NDArray[np.int64]
    abandoned: npt.NDArray[np.int64]
    careless: npt.NDArray[np.int64]
    """Completed responses that are flagged as careless."""

    timed: npt.NDArray[np.int64]
    """Completed responses with a time spent."""

    time_sum: npt.NDArray[np.float64]
    time_square_sum: npt.NDArray[np.float64]
    """In seconds and squared seconds."""

    whole: npt.NDArray[np.int64]
    """Completed responses with all five traits scored and a time spent."""

    validated: npt.NDArray[np.int64]
    agreed: npt.NDArray[np.int64]
    """Pairs of AI scores, and those that differ by at most ``AI_TOLERANCE_POINTS``."""

    trait_n: npt.NDArray[np.int64]
    trait_sum: npt.NDArray[np.float64]
    trait_square_sum: npt.NDArray[np.float64]
    """Shape ``(n, 5)``: scores, sums of the scores less 50, and of their squares."""

    unjudged: int
    """Responses sealed before whole responses and AI pairs were counted; they are in neither."""

    undecided: int
    """Responses of sealed small organizations that are left out: no day has them, or the selection
    may or may not mean them.
    """

    source: Source

    def __len__(self) -> int:
        return len(self.periods)


def read_organizations(
    connection: psycopg.Connection[Any], selection: Selection, ground: Ground
) -> OrganizationSums:
    """Return the sums of each organization over a range, in the caller's snapshot.

    Filters by instrument, careless flag, industry, size and organization are served by states, all
    others by rows.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone.
    """
    return _read(connection, selection, ground, "range", by_organization=True)


def read_organization_series(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    by: By,
    *,
    by_organization: bool = False,
) -> OrganizationSums:
    """Return the sums of each period that has responses, in the caller's snapshot.

    Args:
        connection: A connection inside the snapshot.
        selection: Which responses.
        ground: What the answers of the snapshot stand on.
        by: Length of the periods.
        by_organization: Whether each organization has its own places; otherwise one per period.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone.
    """
    return _read(connection, selection, ground, by, by_organization=by_organization)


def read_times(
    connection: psycopg.Connection[Any], selection: Selection, ground: Ground
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the distinct times spent on completed responses (seconds, ascending) and their counts.

    Counts are kept by instrument and careless flag; other filters read rows.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone.
    """
    parts = list(_read_times(connection, selection, ground, "range").values())
    return parts[0] if parts else (np.empty(0), np.empty(0, dtype=np.int64))


def read_time_series(
    connection: psycopg.Connection[Any], selection: Selection, ground: Ground, by: By
) -> dict[date, tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]]:
    """Return what ``read_times`` does for each period that has times, by its first day.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone.
    """
    return _read_times(connection, selection, ground, by)


def _read(
    connection: psycopg.Connection[Any],
    selection: Selection,
    ground: Ground,
    by: str,
    *,
    by_organization: bool,
) -> OrganizationSums:
    periods = _levels(ground.periods, by)
    chosen = selection.row_filter(ground.catalogue.categories)
    parts: list[npt.NDArray[np.void]] = []
    undecided = 0
    is_served = selection.dimensions <= _SERVED
    if is_served:
        runs: tuple[Run, ...] = periods.row_runs
        needs_organizations = by_organization or selection.needs_rows or selection.dimensions
        parameters = periods.parameters() | words_of(selection) | chosen.organization_parameters()
        parameters["day_family"] = "day" if needs_organizations else "day_total"
        parts += copy_out(
            connection,
            sqlfiles.query("states/answer_organizations"),
            parameters | {"by": by, "by_organization": by_organization},
            (*_KEY, *_NUMBERS),
        )
        if periods.sealed_months:
            undecided = _undecided(connection, selection, periods, parameters)
    else:
        refuse_without_rows(periods, selection)
        runs = (whole_run(periods),)
    first = np.datetime64(periods.day_start)
    for start, end in runs:
        for rows in read_rows(connection, start, end, chosen, SUMMED | _ROW_KEY):
            parts.append(_sums_of(rows, by, first, by_organization=by_organization))
    source = Source(
        "organizations" if is_served else None,
        days_of(runs) if is_served else None,
        len(periods.sealed_months),
    )
    return _together(parts, ground, undecided, source, by_organization=by_organization)


def _levels(periods: Periods, by: str) -> Periods:
    """Leave months out where a period of the series may cut one."""
    if by in ("day", "week"):
        return replace(periods, month_start=periods.day_end, month_end=periods.day_end)
    return periods


def _undecided(
    connection: psycopg.Connection[Any],
    selection: Selection,
    periods: Periods,
    parameters: dict[str, Any],
) -> int:
    row = connection.execute(
        sqlfiles.query("states/undecided_organizations"),
        parameters
        | {
            "sealed_months": list(periods.sealed_months),
            "is_filtered": bool(selection.dimensions) or selection.needs_rows,
        },
    ).fetchone()
    return int(row[0]) if row else 0


def _sums_of(
    rows: npt.NDArray[np.void], by: str, first: np.datetime64, *, by_organization: bool
) -> npt.NDArray[np.void]:
    """Sum rows under the same keys as the statement does."""
    keys = np.zeros(len(rows), dtype=_ROW[[name for name, _ in _KEY]])
    days = _EPOCH + rows["day"].astype("timedelta64[D]")
    keys["period"] = (_first_days(days, by, first) - _EPOCH).astype(np.int64)
    names = ("org_hash", "industry_category", "org_size_category")
    for name in names:
        if by_organization:
            keys[name] = rows[name]
        elif name != "org_hash":
            keys[name] = -1
    distinct, places = _distinct(keys)
    sums = sum_rows(rows, places, len(distinct))
    found = np.zeros(len(distinct), dtype=_ROW)
    for name, _ in _KEY:
        found[name] = distinct[name]
    for name in ("started", "completed", "abandoned", "timed", "whole", "validated", "agreed",
                 "careless", "time_sum", "time_square_sum"):  # fmt: skip
        found[name] = sums[name]
    for at in range(5):
        found[f"n_{at + 1}"] = sums["trait_n"][:, at]
        found[f"sum_{at + 1}"] = sums["trait_sum"][:, at]
        found[f"square_{at + 1}"] = sums["trait_square_sum"][:, at]
    return found


def _first_days(
    days: npt.NDArray[np.datetime64], by: str, first: np.datetime64
) -> npt.NDArray[np.datetime64]:
    if by == "range":
        return np.full(len(days), first)
    if by == "week":
        # 2000-01-03 was a Monday.
        return days - (days - np.datetime64("2000-01-03")) % np.timedelta64(7, "D")
    if by == "day":
        return days
    months = days.astype("datetime64[M]").astype(np.int64)
    step = 3 if by == "quarter" else 1
    return (months // step * step).astype("datetime64[M]").astype("datetime64[D]")


def _distinct(keys: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.void], npt.NDArray[np.intp]]:
    packed = np.ascontiguousarray(keys)
    packed = packed.astype([(name, packed.dtype[name]) for name in packed.dtype.names or ()])
    found, places = np.unique(packed.view(f"V{packed.itemsize}").ravel(), return_inverse=True)
    return found.view(packed.dtype), places


def _together(
    parts: list[npt.NDArray[np.void]],
    ground: Ground,
    undecided: int,
    source: Source,
    *,
    by_organization: bool,
) -> OrganizationSums:
    stacked = np.empty(sum(map(len, parts)), dtype=_ROW)
    at = 0
    for part in parts:
        for name in _ROW.names or ():
            stacked[name][at : at + len(part)] = part[name]
        at += len(part)
    keys, places = _distinct(stacked[[name for name, _ in _KEY]])
    order = np.argsort(keys["period"].astype(np.int64), kind="stable")
    keys = keys[order]

    def total(name: str) -> npt.NDArray[Any]:
        if not len(stacked):
            return np.empty(0, dtype=stacked[name].dtype.newbyteorder("="))
        sums = np.bincount(places, weights=stacked[name].astype(np.float64), minlength=len(keys))
        # Sums of whole numbers are exact in a double up to 2^53.
        return sums[order].astype(stacked[name].dtype.newbyteorder("="))

    def traits(name: str) -> npt.NDArray[Any]:
        return np.column_stack([total(f"{name}_{at}") for at in range(1, 6)])

    def words(name: str) -> tuple[str, ...]:
        names = ground.catalogue.categories.get(name, {})
        return tuple(names.get(code, "merged") for code in keys[name].tolist())

    return OrganizationSums(
        periods=_EPOCH + keys["period"].astype("timedelta64[D]"),
        organizations=tuple(UUID(bytes=key.tobytes()) for key in keys["org_hash"])
        if by_organization
        else (),
        industries=words("industry_category") if by_organization else (),
        sizes=words("org_size_category") if by_organization else (),
        **{
            name: total(name)
            for name in (
                "started", "completed", "abandoned", "careless", "timed", "time_sum",
                "time_square_sum", "whole", "validated", "agreed",
            )
        },
        trait_n=traits("n"),
        trait_sum=traits("sum"),
        trait_square_sum=traits("square"),
        unjudged=int(stacked["unjudged"].sum()),
        undecided=undecided,
        source=source,
    )  # fmt: skip


def _read_times(
    connection: psycopg.Connection[Any], selection: Selection, ground: Ground, by: str
) -> dict[date, tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]]:
    periods = _levels(ground.periods, by)
    chosen = selection.row_filter(ground.catalogue.categories)
    parts: dict[date, list[npt.NDArray[np.void]]] = {}
    if selection.dimensions or selection.needs_rows:
        refuse_without_rows(periods, selection)
        runs: tuple[Run, ...] = (whole_run(periods),)
    else:
        runs = periods.row_runs
        for period, counts in connection.execute(
            sqlfiles.query("states/answer_times"),
            periods.parameters() | words_of(selection) | {"by": by},
            binary=True,
        ):
            parts.setdefault(period, []).append(np.frombuffer(counts, dtype=TIME_DTYPE))
    first = np.datetime64(periods.day_start)
    for start, end in runs:
        for rows in read_rows(connection, start, end, chosen, {"day", *TIMED}):
            seconds, is_timed = completed_times(rows)
            days = _first_days(_EPOCH + rows["day"].astype("timedelta64[D]"), by, first)[is_timed]
            for period in np.unique(days):
                mine = seconds[is_timed][days == period]
                packed = np.empty(len(mine), dtype=TIME_DTYPE)
                packed["seconds"], packed["n"] = mine, 1
                parts.setdefault(period.item(), []).append(packed)
    merged = {period: merge_times(found) for period, found in sorted(parts.items())}
    return {
        period: (counts["seconds"].astype(np.float64), counts["n"].astype(np.int64))
        for period, counts in merged.items()
    }
