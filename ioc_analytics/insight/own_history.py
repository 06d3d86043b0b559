"""Which period of a segment, or of a rater, breaks with its own past.

For: outliers of segments, drift of AI models. Not for: formulas (``statistics.outliers``) or
trends.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

import numpy as np
from scipy import special

from ioc_analytics.statistics.correlation import adjust_false_discovery
from ioc_analytics.statistics.outliers import (
    FEWEST_PAST,
    overdispersion,
    standardize_against_past,
)

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Point:
    """A mean of one period."""

    period: date
    sample_size: int
    average: float
    squared_error: float


@dataclass(frozen=True, slots=True)
class Judged(Generic[Key]):
    """A period beside its own past."""

    key: Key
    point: Point
    past_periods: int
    difference: float
    """From the median of the earlier periods."""

    adjusted_p_value: float
    """Two-sided normal, over-dispersion removed, Benjamini-Hochberg over all judged periods."""


def judge_histories(histories: Mapping[Key, Sequence[Point]]) -> list[Judged[Key]]:
    """Judge every period that has at least 6 earlier ones.

    Args:
        histories: Points in the order of their periods.
    """
    judged = [
        (key, points[at], at, *_judge(points[at], points[:at]))
        for key, points in histories.items()
        for at in range(FEWEST_PAST, len(points))
    ]
    if not judged:
        return []
    z = np.array([distance / error for *_, distance, error in judged])
    # The scatter is that of all judged periods: its median does not follow the few that are far.
    p_values = special.erfc(np.abs(z) / overdispersion(z) / math.sqrt(2))
    adjusted = adjust_false_discovery(p_values).tolist()
    return [
        Judged(key, point, past, distance, p)
        for (key, point, past, distance, _), p in zip(judged, adjusted, strict=True)
    ]


def _judge(point: Point, past: Sequence[Point]) -> tuple[float, float]:
    return standardize_against_past(
        point.average,
        point.squared_error,
        [one.average for one in past],
        [one.squared_error for one in past],
    )
