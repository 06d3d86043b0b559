"""What advice on scaling says: a frozen result.

For: facade, command line, web. Not for: when it is given (``monitoring.advice``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ioc_analytics.records.answers import to_json

Priority = Literal["urgent", "high", "medium", "low"]


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

    def to_dict(self) -> dict[str, Any]:
        """Return the advice ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}
