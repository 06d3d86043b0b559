"""How long a figure that grows will last, and how urgent that makes its advice.

For: the topics of this room. Not for: the line itself (``statistics.exhaustion``).
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import psycopg

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.monitoring.server import read_all
from ioc_analytics.records.advice import Priority
from ioc_analytics.statistics.exhaustion import Exhaustion, Follow, exhaustion, follow_line

_HISTORY: Final = timedelta(days=90)
_SOON: Final = timedelta(days=30)
_FORESEEABLE: Final = timedelta(days=180)


def highest_by_day(
    connection: psycopg.Connection[Any], component: str, metric: str, back: timedelta
) -> list[dict[str, Any]]:
    """Return the ``day`` and its ``highest`` value of a figure that was recorded, ascending."""
    parameters = {"component": component, "metric": metric, "since": utc_now() - back}
    return read_all(connection, "daily_history", parameters)


def find_end(
    connection: psycopg.Connection[Any],
    component: str,
    metric: str,
    end: float,
    follow: Follow = follow_line,
) -> Exhaustion | None:
    """Return when a recorded figure reaches its end; None without certain growth."""
    rows = highest_by_day(connection, component, metric, _HISTORY)
    days, values = [row["day"] for row in rows], [row["highest"] for row in rows]
    return exhaustion(days, values, end, follow)


def is_foreseeable(end: Exhaustion | None) -> bool:
    """Return whether the end is expected within half a year."""
    return end is not None and end.expected <= (utc_now() + _FORESEEABLE).date()


def priority_of(end: Exhaustion | None, *, otherwise: Priority) -> Priority:
    """Return how urgent an end is; without one, what else speaks."""
    if end is None:
        return otherwise
    today = utc_now().date()
    if end.earliest <= today + timedelta(days=7):
        return "urgent"
    return "high" if end.expected <= today + _SOON else "medium"


def timeline_of(end: Exhaustion | None) -> str:
    """Return by when, in words."""
    if end is None:
        return "now: the limit is passed; too little history, or no growth, for a date"
    latest = f"{end.latest:%Y-%m-%d}" if end.latest else "never"
    return (
        f"before {end.earliest:%Y-%m-%d}: used up on {end.expected:%Y-%m-%d} at the present growth "
        f"(95 % interval {end.earliest:%Y-%m-%d} to {latest})"
    )


def as_evidence(end: Exhaustion | None) -> dict[str, Any]:
    """Return the end as figures of an advice."""
    return {} if end is None else asdict(end)
