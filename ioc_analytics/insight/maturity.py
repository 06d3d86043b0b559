"""Which responses have had their time to be completed: rates of completion count no others.

For: metrics, benchmarks, releases. Not for: series, where a whole period is mature or not
(``insight.series``).
"""

from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from ioc_analytics.records.filters import TimeRange
from ioc_analytics.states.organizations import OrganizationSums, read_organizations
from ioc_analytics.states.reading import Ground, read_ground
from ioc_analytics.states.rebuild import midnight, next_month
from ioc_analytics.states.selection import Selection


def first_immature_day(today: date, maturity_days: int) -> date:
    """Return the first day whose responses may still be completed."""
    return today - timedelta(days=maturity_days)


def first_immature_of(ground: Ground, maturity_days: int) -> date | None:
    """Return the first day whose responses could be completed after the newest batch came.

    None: no batch came yet.
    """
    if ground.as_of is None:
        return None
    return first_immature_day(ground.as_of.astimezone(UTC).date(), maturity_days)


def read_settled(
    connection: psycopg.Connection[Any],
    selection: Selection,
    wanted: TimeRange,
    sums: OrganizationSums,
    first_immature: date | None,
) -> OrganizationSums:
    """Return sums of organizations whose started, completed and abandoned leave the young out.

    Args:
        connection: A connection inside the snapshot; a release has none.
        selection: Which responses.
        wanted: The range that the sums are of.
        sums: All of them.
        first_immature: Responses of this day and later can still be completed; None: there is none.

    Raises:
        InvalidInput: Only rows could answer, and rows of the range are gone.
    """
    if first_immature is None:
        return sums
    start = midnight(first_immature)
    if wanted.start is not None:
        start = max(start, wanted.start)
    if wanted.end is not None and wanted.end <= start:
        return sums
    ground = read_ground(connection, TimeRange(start, wanted.end))
    sealed = ground.periods.sealed_months
    if sealed:
        # A sealed month counts whole: nobody can tell any more which of its responses were young.
        start = max(start, midnight(next_month(sealed[-1])))
        if wanted.end is not None and wanted.end <= start:
            return sums
        ground = read_ground(connection, TimeRange(start, wanted.end))
    young = read_organizations(connection, selection, ground)
    places = {key: place for place, key in enumerate(_keys(sums))}
    # A release reads both in one transaction, but not in one snapshot: what a batch adds in between
    # is young without being in the sums. It touches the days, so that the next refresh mends it.
    known = np.array([key in places for key in _keys(young)], dtype=np.bool_)
    at = np.array([places[key] for key in _keys(young) if key in places], dtype=np.int64)

    def less(all_of_them: npt.NDArray[np.int64], few: npt.NDArray[np.int64]) -> Any:
        rest = all_of_them.copy()
        np.subtract.at(rest, at, few[known])
        return np.maximum(rest, 0)

    started = less(sums.started, young.started)
    return replace(
        sums,
        started=started,
        completed=np.minimum(less(sums.completed, young.completed), started),
        abandoned=np.minimum(less(sums.abandoned, young.abandoned), started),
    )


def left_out(responses: int, maturity_days: int) -> str:
    """Return in words that young responses are not counted."""
    return (
        f"{responses:,} responses younger than {maturity_days} days can still be completed and are "
        "left out"
    )


def _keys(sums: OrganizationSums) -> list[tuple[Any, ...]]:
    return list(zip(sums.organizations, sums.industries, sums.sizes, strict=True))
