"""What an evaluation of data quality says: frozen results.

For: facade, command line, web. Not for: the checks themselves (``monitoring.quality``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

import pandas as pd

from ioc_analytics.records.answers import to_json

Severity = Literal["info", "warning", "error", "critical"]

WEIGHTS: Final[Mapping[Severity, int]] = {"info": 1, "warning": 2, "error": 4, "critical": 8}
"""What a check counts in the score; the statement ``monitoring/quality_score`` holds the same."""


@dataclass(frozen=True, slots=True)
class QualityResult:
    """One check of one evaluation."""

    name: str
    table: str
    severity: Severity
    passed: bool
    checked: int
    """Records, figures or cells that were looked at; 0: there was nothing yet."""

    faults: int
    """How many of them are at fault."""

    threshold: float
    """Share of faults that is still well, 0 to 1."""

    summary: str
    """One sentence for people."""

    sample: tuple[Mapping[str, Any], ...]
    """Some rows that show it; pseudonymised or aggregated figures only."""

    @property
    def score(self) -> float | None:
        """Share of what was checked that is well, 0 to 1; None when nothing was."""
        return None if self.checked == 0 else max(0.0, 1 - self.faults / self.checked)


@dataclass(frozen=True, slots=True)
class QualityEvaluation:
    """All checks, looked at once."""

    measured_at: datetime
    results: tuple[QualityResult, ...]

    @property
    def score(self) -> float:
        """Weighted share of passed checks, 0 to 100."""
        weights = [WEIGHTS[one.severity] for one in self.results]
        passed = [WEIGHTS[one.severity] for one in self.results if one.passed]
        return 100 * sum(passed) / sum(weights)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per check."""
        return pd.DataFrame([{**asdict(one), "score": one.score} for one in self.results])

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation ready for JSON."""
        return {"score": self.score, **{name: to_json(one) for name, one in asdict(self).items()}}
