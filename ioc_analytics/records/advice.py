"""What advice on scaling says, and what became of it: frozen results.

For: facade, command line, web. Not for: when it is given (``monitoring.advice``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from ioc_analytics.records.answers import to_json

Priority = Literal["urgent", "high", "medium", "low"]
Outcome = Literal["open", "better", "no better", "unknown"]

_HIGHER_IS_BETTER: Final = ("cache_hit_percent", "runway_months")


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do, and the figures that speak for it."""

    priority: Priority
    topic: str
    """``disk``, ``connections``, ``memory``, ``partitions``, ``transactions``, ``indexes`` ..."""

    description: str
    """What to do, in one sentence."""

    estimated_impact: str
    timeline: str
    """By when."""

    evidence: Mapping[str, Any]
    """Measured figures, with their units in their names."""

    measure: str
    """Name of the figure in the evidence that following it should improve."""

    subject: str = ""
    """Index, table, partition or number of a statement; empty for the server as a whole."""

    lever: str = ""
    """Name in the evidence of what changes when it is followed; empty: that cannot be seen."""

    def to_dict(self) -> dict[str, Any]:
        """Return the advice ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class PastAdvice:
    """One advice that was given, and what became of its figure."""

    topic: str
    subject: str
    description: str
    measure: str
    """Name of the figure that spoke for it."""

    first_given_at: datetime
    taken_at: datetime | None
    """When it was first seen to be followed; None: not yet, or that cannot be seen."""

    ended_at: datetime | None
    """When it no longer held; None: it still holds."""

    before: float | None
    """The figure when it was first given."""

    after: float | None
    """The figure since it was followed or ended; None before, and where it cannot be had."""

    @property
    def outcome(self) -> Outcome:
        """``open``, or what following it, or its end, has changed."""
        if self.taken_at is None and self.ended_at is None:
            return "open"
        if self.before is None or self.after is None:
            return "unknown"
        gain = self.after - self.before
        if self.measure not in _HIGHER_IS_BETTER:
            gain = -gain
        return "better" if gain > 0 else "no better"

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        told = {name: to_json(value) for name, value in asdict(self).items()}
        return {**told, "outcome": self.outcome}
