"""When which resource is used up: rows, bytes, runtime, connections, partitions.

For: ``plan_resources``. Not for: trouble at this moment (``monitoring.alerts``), or what to do
about it (``monitoring.advice``).

Use is followed through up to 90 days: what piles up by its mean growth a day, what is measured anew
each day by a line. With fewer than 14 days of figures it is unknown, and said so. Partitions are
made ahead: their end is a date in the calendar.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final

import pandas as pd
import psycopg

from ioc_analytics.insight.prediction_ledger import PastScores, Prediction, past_scores
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.answers import to_json
from ioc_analytics.statistics.exhaustion import (
    Follow,
    exhaustion,
    extend,
    follow_growth,
    follow_line,
)
from ioc_analytics.statistics.forecasting import FORECAST_LEVEL
from ioc_analytics.statistics.intervals import ConfidenceInterval

VERSION: Final = "2"
"""Version of what follows the use; another one whenever it would say something else."""

UNITS: Final[Mapping[str, str]] = {
    "rows": "rows accepted",
    "bytes": "bytes",
    "runtime": "seconds per day",
    "connections": "percent",
}
"""Resources whose use is measured, and their units."""

_FOLLOWED: Final[Mapping[str, Follow]] = {
    "rows": follow_growth,
    "bytes": follow_growth,
    "runtime": follow_line,
    "connections": follow_line,
}

HISTORY: Final = timedelta(days=90)
MAXIMUM_HORIZON_DAYS: Final = 3650

_CALENDAR: Final = "calendar"
_ENDS: Final = {"runtime": 86_400.0, "connections": 100.0}


@dataclass(frozen=True, slots=True)
class ResourceForecast:
    """One resource; figures are None where the history is too short."""

    resource: str
    unit: str
    used: float | None
    """On the newest day with a figure."""

    end: float | None
    """Where nothing is left; None: it has no end of its own, or that is unknown."""

    value: float | None
    """At the horizon."""

    interval: ConfidenceInterval | None
    exhausted: date | None
    """Expected; None: not within ten years, no certain growth, or unknown."""

    earliest: date | None
    latest: date | None
    """First days on which a limit of the 95 % interval reaches the end; None: not within ten
    years."""

    is_known: bool
    reason: str | None
    """Why it is unknown, or why no date is given."""

    days_of_history: int
    model: str | None
    """``growth``, ``line`` or ``calendar``; None: unknown."""

    version: str
    accuracy: PastScores | None
    """Of earlier plans whose day has come; None: of none yet."""


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """All resources at the horizon."""

    horizon_days: int
    day: date
    """The day that the values are for."""

    resources: tuple[ResourceForecast, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan ready for JSON."""
        found: dict[str, Any] = to_json(asdict(self))
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return one row per resource."""
        return pd.DataFrame(
            [asdict(one) | {"interval": None, "accuracy": None} for one in self.resources]
        ).drop(columns=["interval", "accuracy"])

    def predictions(self) -> tuple[Prediction, ...]:
        """Return what the ledger keeps: the use on the day; a calendar needs no score."""
        return tuple(
            Prediction(
                model=one.model,
                version=one.version,
                target=target_of(one.resource),
                filters=(),
                start=self.day,
                end=self.day + timedelta(days=1),
                horizon_days=self.horizon_days,
                value=one.value,
                low=one.interval.low,
                high=one.interval.high,
                level=one.interval.level,
                accuracy={"days_of_history": one.days_of_history},
                # Its data are the measurements of the days up to now.
                data_version=f"{self.day - timedelta(days=self.horizon_days)}",
            )
            for one in self.resources
            if one.model not in (None, _CALENDAR)
            and one.value is not None
            and one.interval is not None
        )


def target_of(resource: str) -> str:
    """Return what the ledger calls the use of a resource."""
    return f"resource_{resource}"


def plan_resources(connection: psycopg.Connection[Any], horizon_days: Any) -> ResourcePlan:
    """Return how much of each resource is used at the horizon, and when it is used up.

    Args:
        connection: A connection of the analyst's role.
        horizon_days: Days ahead, 1 to 3,650.

    Raises:
        InvalidInput: The horizon is no such number.
    """
    is_whole = isinstance(horizon_days, int) and not isinstance(horizon_days, bool)
    if not is_whole or not 1 <= horizon_days <= MAXIMUM_HORIZON_DAYS:
        raise InvalidInput(
            f"the horizon is a whole number of days from 1 to {MAXIMUM_HORIZON_DAYS}, found "
            f"{horizon_days!r}"
        )
    today = utc_now().date()
    day = today + timedelta(days=horizon_days)
    history = read_use(connection, today - HISTORY)
    ends = connection.execute(sqlfiles.query("insight/resource_ends")).fetchone() or (None, 0)
    free, runway = ends
    found = []
    for resource in UNITS:
        days, used = history.get(resource, ([], []))
        end = _ENDS.get(resource)
        if resource == "bytes" and used and free is not None:
            end = used[-1] + free
        past = past_scores(connection, target_of(resource), (), (1, 1))
        found.append(_follow(resource, days, used, end, day, past))
    return ResourcePlan(horizon_days, day, (*found, _partitions(runway, today, day)))


def read_use(
    connection: psycopg.Connection[Any], since: date
) -> dict[str, tuple[list[date], list[float]]]:
    """Return the days and figures of each resource since a day, ascending."""
    found: dict[str, tuple[list[date], list[float]]] = defaultdict(lambda: ([], []))
    rows = connection.execute(sqlfiles.query("insight/resource_history"), {"since": since})
    for resource, day, used in rows:
        found[resource][0].append(day)
        found[resource][1].append(float(used))
    return dict(found)


def _follow(
    resource: str,
    days: Sequence[date],
    used: Sequence[float],
    end: float | None,
    day: date,
    past: PastScores | None,
) -> ResourceForecast:
    value: float | None = None
    interval: ConfidenceInterval | None = None
    reason: str | None = None
    reached = None
    follow = _FOLLOWED[resource]
    try:
        course = follow(days, used)
        value, interval = extend(course, (day - course.newest).days, FORECAST_LEVEL)
    except NotEnoughData as error:
        reason = str(error)
    else:
        # Accepted rows stay counted whatever is deleted.
        least = used[-1] if resource == "rows" else 0.0
        value = max(least, value)
        interval = ConfidenceInterval(
            interval.level, max(least, interval.low), max(least, interval.high), interval.method
        )
        reached = None if end is None else exhaustion(days, used, end, follow)
        if end is None:
            reason = "rows have no end of their own" if resource == "rows" else "its end is unknown"
        elif reached is None:
            reason = "no certain growth, or an end more than ten years away"
    return ResourceForecast(
        resource=resource,
        unit=UNITS[resource],
        used=used[-1] if used else None,
        end=end,
        value=value,
        interval=interval,
        exhausted=reached.expected if reached else None,
        earliest=reached.earliest if reached else None,
        latest=reached.latest if reached else None,
        is_known=value is not None,
        reason=reason,
        days_of_history=len(days),
        model=interval.method if interval else None,
        version=VERSION,
        accuracy=past,
    )


def _partitions(runway: int, today: date, day: date) -> ResourceForecast:
    """Return when the months that have a partition end, unless more are made."""
    months = today.year * 12 + today.month - 1 + runway + 1
    end = date(months // 12, months % 12 + 1, 1)
    left = max(0, months - (day.year * 12 + day.month - 1) - 1)
    return ResourceForecast(
        resource="partitions",
        unit="months ahead",
        used=float(runway),
        end=0.0,
        value=float(left),
        interval=ConfidenceInterval(FORECAST_LEVEL, float(left), float(left), _CALENDAR),
        exhausted=end,
        earliest=end,
        latest=end,
        is_known=True,
        reason="unless more are made: each load and each start makes those that it needs",
        days_of_history=0,
        model=_CALENDAR,
        version=VERSION,
        accuracy=None,
    )
