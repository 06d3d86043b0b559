"""The five traits month by month or quarter by quarter.

For: the facade, reports. Not for: trends and their tests, or comparing groups
(``insight.comparisons``).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import pandas as pd
import psycopg

from ioc_analytics.insight.refusals import nothing_passes
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import Filter, TimeRange
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.reading import Source, read_ground, read_groups, snapshot
from ioc_analytics.states.selection import select
from ioc_analytics.statistics.distributions import describe_counts
from ioc_analytics.statistics.intervals import ConfidenceInterval

STEPS: Final = {"monthly": "month", "quarterly": "quarter"}
"""Intervals, and what they are called where states are read."""


@dataclass(frozen=True, slots=True)
class OceanPoint:
    """One trait in one period; ``period_start`` may lie before the range that was asked for."""

    period_start: date
    trait: str
    sample_size: int
    average: float
    std_dev: float | None
    confidence_interval: ConfidenceInterval | None
    """None with a single score."""

    median: float


@dataclass(frozen=True, slots=True)
class OceanHistory:
    """The five traits over time; periods without scores have no point."""

    interval: str
    points: tuple[OceanPoint, ...]
    """By period and trait."""

    filters: tuple[Filter, ...]
    time_range: TimeRange
    as_of: datetime | None
    source: Source

    def to_dict(self) -> dict[str, Any]:
        """Return the history ready for JSON."""
        return {
            "interval": self.interval,
            "points": [to_json(asdict(point)) for point in self.points],
            "filters": [condition.to_dict() for condition in self.filters],
            "time_range": self.time_range.to_dict(),
            "as_of": to_json(self.as_of),
            "source": self.source.to_dict(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per period and trait."""
        return pd.DataFrame(
            [
                {
                    "period_start": point.period_start,
                    "trait": point.trait,
                    "n": point.sample_size,
                    "mean": point.average,
                    "sd": point.std_dev,
                    "median": point.median,
                }
                for point in self.points
            ],
            columns=["period_start", "trait", "n", "mean", "sd", "median"],
        )


def ocean_over_time(
    connection: psycopg.Connection[Any],
    interval: str,
    filters: Sequence[Filter],
    time_range: TimeRange,
    organization: Callable[[str], UUID],
) -> OceanHistory:
    """Return the five traits of each period.

    Args:
        connection: A connection of the analyst's role.
        interval: ``monthly`` or ``quarterly``.
        filters: Conditions, all of which must hold.
        time_range: Start times of the responses, half-open.
        organization: Gives the pseudonym of an organization's own id.

    Raises:
        InvalidInput: An unknown interval or category, or only rows that are gone could answer.
        NotEnoughData: No scored response.
    """
    if interval not in STEPS:
        raise InvalidInput(
            f"unknown interval {interval!r}{did_you_mean(interval, STEPS)}; "
            f"intervals are {', '.join(STEPS)}"
        )
    with snapshot(connection):
        ground = read_ground(connection, time_range)
        selection = select(filters, ground.catalogue.categories, organization)
        answer = read_groups(connection, selection, ground, step=STEPS[interval])
    points = []
    for at, (_, period) in enumerate(answer.keys):
        cell = answer.cells.choose([at])
        for place, trait in enumerate(TRAITS):
            values, counts = cell.of_trait(place)
            if period is None or not len(values):
                continue
            d = describe_counts(values, counts, edges=None)
            points.append(
                OceanPoint(
                    period,
                    trait,
                    d.sample_size,
                    d.average,
                    d.std_dev,
                    d.confidence_interval,
                    d.median,
                )
            )
    if not points:
        raise nothing_passes("scored responses")
    return OceanHistory(
        interval, tuple(points), tuple(filters), time_range, ground.as_of, answer.source
    )
