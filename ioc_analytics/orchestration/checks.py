"""The asset checks: promises of ``monitoring.integrity``, shown and enforced; and AI drift.

For: the jobs; a blocking check that fails keeps the assets behind it from being made. Not for:
judging (``monitoring.integrity``), or rows on their way in (``ingestion`` quarantines those).
"""

from dataclasses import asdict
from typing import Final

import dagster as dg

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.orchestration import presentation
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import failures

CHECKED: Final = (
    (
        "newest_batch_accounted",
        "anonymized_assessment_responses",
        "Every record of the newest batch is accepted, a duplicate or in quarantine, and what was "
        "accepted is stored.",
    ),
    (
        "no_duplicates_no_orphans",
        "anonymized_question_responses",
        "No response stands twice, no answer or score without its response, no response without "
        "its assessment.",
    ),
    (
        "released_month_equals_rows",
        "ocean_trait_distributions",
        "The newest month's released figures equal the same figures counted from rows.",
    ),
    (
        "nothing_small_released",
        "ocean_trait_distributions",
        "No released figure is about fewer than ten people.",
    ),
)
"""Promise, asset and what it says. These block: behind each stands a promise, not a preference."""


def build_checks() -> list[dg.AssetChecksDefinition]:
    """Return the asset checks."""
    return [*(_build(*one) for one in CHECKED), raters_keep_their_ways]


@dg.asset_check(
    asset="dual_ai_validation_metrics",
    description="No AI rater has left its own ways: each week of a rater against its earlier "
    "weeks, by trait. A warning that blocks nothing: the figures are true, "
    "whatever a rater does; whether it may go on is for people to judge.",
    pool="checks",
)
def raters_keep_their_ways(analytics: AnalyticsResource) -> dg.AssetCheckResult:
    """Judge every week of every rater that has enough weeks before it."""
    with failures():
        try:
            found = analytics.system.analyze_ai_validation()
        except NotEnoughData as reason:
            return dg.AssetCheckResult(
                passed=True,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"not judged: {reason}",
                metadata={"judged_weeks": 0},
            )
    judged = sum(found.judged_weeks.values())
    return dg.AssetCheckResult(
        passed=not found.drift,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{judged} weeks judged, {len(found.drift)} stand out",
        metadata={
            "judged_weeks": judged,
            "faults": len(found.drift),
            "threshold": 0,
            "sample": presentation.table([asdict(one) for one in found.drift]),
            "not_judged": presentation.table(found.withheld),
        },
    )


def _build(name: str, asset: str, description: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(name=name, asset=asset, description=description, blocking=True, pool="checks")
    def check(analytics: AnalyticsResource) -> dg.AssetCheckResult:
        with failures():
            finding = analytics.system.check_integrity(name)
            past = analytics.system.quality_history([name])[name]
        return dg.AssetCheckResult(
            passed=finding.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=finding.summary,
            metadata={
                "checked": finding.checked,
                "faults": finding.faults,
                "threshold": 0,
                "sample": presentation.table(finding.sample),
                **presentation.history(past),
            },
        )

    return check
