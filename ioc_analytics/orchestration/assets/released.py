"""The released tables, by month: refreshed where touched, or counted again.

For: the refresh job, the touched-months sensor, backfills. Not for: counting (``states``) or what
may be released (``insight``). They are one step, because a month's states and all that is released
from them change in one transaction.
"""

from collections.abc import Iterator
from typing import Final

import dagster as dg
from pydantic import Field

from ioc_analytics.orchestration.assets.anonymized import TABLES
from ioc_analytics.orchestration.partitions import MONTHS, months_of
from ioc_analytics.orchestration.presentation import OWNERS, description, refresh_metadata
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

RELEASED: Final = {
    "daily_assessment_metrics": "metrics",
    "ocean_trait_distributions": "distributions",
    "benchmarking_data": "benchmarks",
    "dual_ai_validation_metrics": "validation",
}
"""Each released table and its group."""

RELEASE_STEP: Final = "released_tables"


class ReleaseConfig(dg.Config):
    """How to bring the months up to date."""

    rebuild: bool = Field(
        default=False,
        description="Count every day of the months again from rows; otherwise touched days only.",
    )


@dg.multi_asset(
    name=RELEASE_STEP,
    specs=[
        dg.AssetSpec(
            table,
            group_name=group,
            description=description(table),
            kinds={"postgres", "table"},
            owners=OWNERS,
            tags={"privacy": "released"},
            deps=list(TABLES),
        )
        for table, group in RELEASED.items()
    ],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRY,
    pool="states",
)
def released_tables(
    context: dg.AssetExecutionContext, config: ReleaseConfig, analytics: AnalyticsResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Bring the days and months of a range of months up to date, a transaction per month."""
    months = months_of(context.partition_keys)
    with failures():
        system = analytics.system
        if config.rebuild:
            receipt = system.rebuild(months, with_views=False)
        else:
            receipt = system.refresh(
                [month for month in system.touched_months() if month in set(months)],
                with_views=False,
            )
    for table in RELEASED:
        yield dg.MaterializeResult(asset_key=table, metadata=refresh_metadata(receipt, table))
