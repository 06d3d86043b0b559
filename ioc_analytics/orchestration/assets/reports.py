"""The reports of each week and each month, as assets.

For: their jobs and schedules. Not for: what stands in a report (``insight.report``); a report on
anything else is the job ``report``.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import dagster as dg
from pydantic import Field

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.assets.released import DAILY, RELEASED
from ioc_analytics.orchestration.presentation import OWNERS
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

REPORTS: Final = {"weekly_report": "weekly", "monthly_report": "monthly"}
"""Each report and how long its period is."""

_SHOWN: Final = "ocean_trait_distributions"


class PeriodConfig(dg.Config):
    """Which week or month."""

    before: str | None = Field(
        default=None,
        description="A day such as 2025-03-09: the report is on the last whole week or month "
        "before it; today unless given.",
    )
    format: str = Field(default="html", description="html, markdown or json.")


def build_reports() -> list[dg.AssetsDefinition]:
    """Return the report assets."""
    return [_build(name, kind) for name, kind in REPORTS.items()]


def _build(name: str, kind: str) -> dg.AssetsDefinition:
    @dg.multi_asset(
        # Not the asset's name: the job has that one.
        name=f"write_{name}",
        specs=[
            dg.AssetSpec(
                name,
                group_name="reports",
                description=f"What the analyses say about the last whole {kind[:-2]}, as one file",
                kinds={"postgres", "file"},
                owners=OWNERS,
                tags={"privacy": "exact"},
                deps=[*RELEASED, *DAILY],
                # A week without data has no report, and that is no failure.
                skippable=True,
            )
        ],
        retry_policy=RETRY,
        pool="reports",
    )
    def report(
        context: dg.AssetExecutionContext, config: PeriodConfig, analytics: AnalyticsResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        # Imported late: the definitions load without a drawing library.
        from ioc_analytics.insight.report import report_period

        with failures():
            day = _day(config.before) if config.before else utc_now().date()
            period = report_period(kind, day)
            options: dict[str, Any] = {
                "title": f"OCEAN report, {kind}",
                "time_range": period.to_dict(),
                "format": config.format,
            }
            try:
                made = analytics.system.generate_report(options)
            except NotEnoughData as reason:
                context.log.warning(f"no report: {reason}")
                return
            shown = analytics.system.show_released(_SHOWN, day)
            metadata = {
                **presentation.report_metadata(made),
                "period": f"{options['time_range']['start']} to {options['time_range']['end']}",
                **presentation.section(shown),
            }
        yield dg.MaterializeResult(metadata=metadata)

    return report


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InvalidInput(f"before is a day such as 2026-11-25; {given!r} was given") from None
