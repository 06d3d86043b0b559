"""The evaluation of data quality as an asset: one pass, a result per check, kept and scored.

For: its job and schedule. Not for: the checks (``monitoring.quality``), or those that block a job
(``orchestration.checks``).
"""

from collections.abc import Iterator, Sequence
from typing import Final

import dagster as dg

from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.assets.operations import OPERATIONS
from ioc_analytics.orchestration.presentation import table_spec
from ioc_analytics.records.quality import CHECKS, PastResult, QualityResult
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

QUALITY: Final = "data_quality_metrics"


@dg.multi_asset(
    name=QUALITY,
    specs=[table_spec(QUALITY, OPERATIONS)],
    check_specs=[
        dg.AssetCheckSpec(
            name,
            asset=QUALITY,
            description=f"Looks at {check.table}; {check.severity} when it fails.",
        )
        for name, check in CHECKS.items()
    ],
    retry_policy=RETRY,
    pool="states",
)
def data_quality_metrics(analytics: AnalyticsResource) -> Iterator[dg.MaterializeResult[None]]:
    """Look at every check once, and keep results and score."""
    # Imported late: the definitions load without a drawing library.
    from ioc_analytics.insight.released_sections import show_quality

    with failures():
        found = analytics.system.evaluate_quality()
        past = analytics.system.quality_history(list(CHECKS))
        rows = presentation.count_rows(analytics.system, [QUALITY])[QUALITY]
        shown = presentation.section(show_quality(found))
    yield dg.MaterializeResult(
        metadata={
            **rows,
            "score": found.score,
            "checks": len(found.results),
            "failed": sum(not one.passed for one in found.results),
            **shown,
        },
        check_results=[_shown(one, past[one.name]) for one in found.results],
    )


def _shown(one: QualityResult, past: Sequence[PastResult]) -> dg.AssetCheckResult:
    is_mild = one.severity in ("info", "warning")
    return dg.AssetCheckResult(
        check_name=one.name,
        passed=one.passed,
        severity=dg.AssetCheckSeverity.WARN if is_mild else dg.AssetCheckSeverity.ERROR,
        description=one.summary,
        metadata={
            "severity": one.severity,
            "checked": one.checked,
            "faults": one.faults,
            "threshold": one.threshold,
            "sample": presentation.table(one.sample),
            **presentation.history(past),
        },
    )
