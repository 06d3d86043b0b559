"""The released trait distributions, by month: refreshed where touched, or counted again.

For: the refresh job, the touched-months sensor, backfills. Not for: counting (``states``) or what
may be released (``insight.distributions``).
"""

import dagster as dg
from pydantic import Field

from ioc_analytics.orchestration.assets.anonymized import TABLES
from ioc_analytics.orchestration.partitions import MONTHS, months_of
from ioc_analytics.orchestration.presentation import OWNERS, description, refresh_metadata
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures


class OceanConfig(dg.Config):
    """How to bring the months up to date."""

    rebuild: bool = Field(
        default=False,
        description="Count every day of the months again from rows; otherwise touched days only.",
    )


@dg.asset(
    name="ocean_trait_distributions",
    group_name="distributions",
    description=description("ocean_trait_distributions"),
    kinds={"postgres", "table"},
    owners=OWNERS,
    tags={"privacy": "released"},
    deps=list(TABLES),
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRY,
    pool="states",
)
def ocean_trait_distributions(
    context: dg.AssetExecutionContext, config: OceanConfig, analytics: AnalyticsResource
) -> dg.MaterializeResult[None]:
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
    return dg.MaterializeResult(metadata=refresh_metadata(receipt))
