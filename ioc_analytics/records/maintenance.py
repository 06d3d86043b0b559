"""What a maintenance run plans, does and finds.

For: maintenance, facade, command line, orchestration. Not for: judging (``maintenance``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from ioc_analytics.records.answers import to_json


@dataclass(frozen=True, slots=True)
class MaintenanceStep:
    """One kind of care."""

    name: str
    """``partitions``, ``statistics``, ``vacuum``, ``indexes``, ``sequences``, ``measurements``,
    ``retention`` or ``views``."""

    plan: tuple[str, ...]
    """What is to be done, an action each; a dry run says exactly what the real one does."""

    done: tuple[str, ...]
    """Actions of the plan that were done; none in a dry run."""

    left: Mapping[str, str]
    """Actions that were not done, with the reason: a lock that was not had, the time budget."""

    findings: tuple[str, ...]
    """What a person should look at; nothing is done about it."""

    seconds: float
    before: Mapping[str, float]
    """Figures before, such as dead rows; units are in the names."""

    after: Mapping[str, float]
    """The same figures afterwards."""


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """A maintenance run."""

    is_dry_run: bool
    steps: tuple[MaintenanceStep, ...]
    duration_seconds: float

    def step(self, name: str) -> MaintenanceStep:
        """Return one step by its name."""
        return next(step for step in self.steps if step.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per step."""
        return pd.DataFrame(
            [
                {
                    "step": step.name,
                    "planned": len(step.plan),
                    "done": len(step.done),
                    "left": len(step.left),
                    "findings": len(step.findings),
                    "seconds": step.seconds,
                }
                for step in self.steps
            ]
        )
