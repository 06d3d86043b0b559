"""The metrics of activity and quality: name, unit, kind, what it is the share or mean of.

For: everything that names, reads, draws or judges a metric. Not for: the five traits' own analysis
(``insight.ocean``); here a trait is the mean of its scores.
"""

from dataclasses import dataclass
from typing import Final, Literal

from ioc_analytics.records.vocabularies import TRAITS

Kind = Literal["count", "rate", "mean", "median"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric means."""

    name: str
    unit: str
    """``responses``, ``assessments``, ``share`` (0 to 1), ``seconds`` or ``points`` (0 to 100)."""

    kind: Kind
    """``count``: summed over time; ``rate``: successes among trials; ``mean`` and ``median``: of
    responses.
    """

    meaning: str
    is_higher_better: bool | None = None
    """None: neither."""

    waits_for_completion: bool = False
    """Whether a day counts only when its responses have had their time to be completed."""


_DECLARED: Final = (
    Metric("assessment_volume", "assessments", "count", "assessments set up"),
    Metric("response_volume", "responses", "count", "responses started"),
    Metric("completion_rate", "share", "rate", "completed among started responses", True, True),
    Metric("abandonment_rate", "share", "rate", "abandoned among started responses", False, True),
    Metric("avg_time_spent", "seconds", "mean", "time spent on a completed response"),
    Metric("median_time_spent", "seconds", "median", "time spent on a completed response"),
    Metric(
        "data_quality_score",
        "points",
        "rate",
        "completed responses that are whole, in percent: all five traits scored, time known",
        True,
    ),
    Metric(
        "ai_agreement_rate",
        "share",
        "rate",
        "pairs of AI scores that lie within the tolerance among all pairs",
        True,
    ),
    Metric("careless_rate", "share", "rate", "completed responses flagged as careless", False),
    *(Metric(trait, "points", "mean", f"score of {trait}") for trait in TRAITS),
)

METRICS: Final = {metric.name: metric for metric in _DECLARED}
"""All metrics by name."""

AI_TOLERANCE_POINTS: Final = 10.0
"""Two AI scores agree when they differ by at most this, on the scale of 0 to 100."""
