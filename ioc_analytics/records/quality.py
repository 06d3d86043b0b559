"""What an evaluation of data quality says: frozen results.

For: facade, command line, web. Not for: the checks themselves (``monitoring.quality``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from ioc_analytics.records.answers import to_json

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["info", "warning", "error", "critical"]

WEIGHTS: Final[Mapping[Severity, int]] = {"info": 1, "warning": 2, "error": 4, "critical": 8}
"""What a check counts in the score; the statement ``monitoring/quality_score`` holds the same."""


CARELESS_SHARE: Final = 0.2
"""Share of careless responses beyond which a survey is doubtful; 3 to 12 % are usual in careful
samples (Meade and Craig 2012, doi:10.1037/a0028085)."""

ALPHA_CHANGE: Final = 0.1
"""How far Cronbach's alpha of a trait may move from one month to the year before it."""

DISAGREEING_SHARE: Final = 0.2
"""Share of scores on which the two AI raters may disagree."""


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """What a check is about."""

    table: str
    severity: Severity
    threshold: float = 0.0
    """Share of faults that is still well."""


CHECKS: Final[Mapping[str, QualityCheck]] = {
    "newest_batch_accounted": QualityCheck("anonymized_assessment_responses", "critical"),
    "no_duplicates_no_orphans": QualityCheck("anonymized_question_responses", "critical"),
    "released_month_equals_rows": QualityCheck("ocean_trait_distributions", "critical"),
    "nothing_small_released": QualityCheck("ocean_trait_distributions", "critical"),
    "nothing_identifiable": QualityCheck("anonymized_assessments", "critical"),
    "values_in_range": QualityCheck("anonymized_assessment_responses", "error"),
    "categories_known": QualityCheck("anonymized_assessment_responses", "error"),
    "partitions_premade": QualityCheck("anonymized_assessment_responses", "error"),
    "backup_drilled": QualityCheck("backups", "error"),
    "fresh": QualityCheck("batches", "warning"),
    "released_in_time": QualityCheck("ocean_trait_distributions", "error"),
    "views_equal_tables": QualityCheck("mv_monthly_ocean_distributions", "warning"),
    "reliable_as_before": QualityCheck("anonymized_question_responses", "warning"),
    "volume_as_before": QualityCheck("batches", "warning"),
    "missing_as_before": QualityCheck("anonymized_assessment_responses", "warning"),
    "careless_few": QualityCheck("anonymized_assessment_responses", "warning", CARELESS_SHARE),
    "ai_raters_agree": QualityCheck("dual_ai_validation_metrics", "warning", DISAGREEING_SHARE),
}
"""Every check. Critical: the platform says something false or gives somebody away. Error: rows
or the platform itself are not as they must be. Warning: a custom is broken, which may be true."""


ON_INGEST: Final = ("newest_batch_accounted", "no_duplicates_no_orphans")
"""Checks that a batch must pass before anything is released from it."""

BLOCKING: Final = (*ON_INGEST, "released_month_equals_rows", "nothing_small_released")
"""Checks that must have passed when they were last looked at before views are refreshed."""


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
class BrokenPromise:
    """A blocking check whose newest result is bad."""

    name: str
    measured_at: datetime
    summary: str
    """One sentence for people: what was found."""


@dataclass(frozen=True, slots=True)
class PastResult:
    """What one check said at one moment."""

    measured_at: datetime
    passed: bool
    score: float | None
    """Share of what was checked that was well, 0 to 1; None when nothing was."""

    summary: str
    """One sentence for people."""


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

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per check."""
        import pandas as pd

        return pd.DataFrame([{**asdict(one), "score": one.score} for one in self.results])

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation ready for JSON."""
        return {"score": self.score, **{name: to_json(one) for name, one in asdict(self).items()}}
