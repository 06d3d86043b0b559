"""A code location of another team: its own tables, filled from the platform's figures.

For: copying. It imports the resources and nothing else of the platform's orchestration.
"""

import dagster as dg
import pandas as pd
import pandera.pandas as pandera
from psycopg import sql

from ioc_analytics.resources import (
    RETRY,
    AnalyticsResource,
    PostgresIOManager,
    Relation,
    contract,
    failures,
    platform_resources,
    publication_checks,
)

MONTHS = dg.MonthlyPartitionsDefinition("2020-01-01", timezone="UTC", end_offset=1)

OPENNESS = pandera.DataFrameSchema(
    {
        "month": pandera.Column("object"),
        "sample_size": pandera.Column(int, pandera.Check.ge(10), coerce=True),
        "mean": pandera.Column(float, pandera.Check.in_range(0, 100), coerce=True),
    },
    name="openness",
    unique=["month"],
)


@dg.asset(
    group_name="another",
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=["ocean_trait_distributions"],
    metadata={
        "partition_expr": "month",
        "contract": contract(OPENNESS),
        "checks": {
            "a score is 0 to 100": "mean BETWEEN 0 AND 100",
            "a month has 30 responses": {"condition": "sample_size >= 30", "is_blocking": False},
        },
    },
    retry_policy=RETRY,
)
def openness_by_month(
    context: dg.AssetExecutionContext, analytics: AnalyticsResource
) -> pd.DataFrame:
    """Ask the platform for the released openness of each month; withheld months are left out."""
    window = context.partition_time_window
    with failures():
        released = analytics.system.query(
            "SELECT period_start AS month, sample_size, mean FROM mv_monthly_ocean_distributions"
            " WHERE dimension = 'openness' AND period_start >= $1 AND period_start < $2"
            " AND instrument = 'all' AND industry_category = 'all' AND org_size_category = 'all'"
            " AND region = 'all' AND age_band = 'all' AND gender = 'all' AND device_type = 'all'"
            " AND assessment_type = 'all' AND withheld_reason IS NULL",
            [window.start.date(), window.end.date()],
        )
    return released.to_frame()


@dg.asset(
    group_name="another",
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    metadata={"partition_expr": "month"},
)
def openness_above_middle(openness_by_month: Relation) -> Relation:
    """Compare each month with the middle of the scale, without a row leaving the database."""
    query = sql.SQL("SELECT m.month, m.mean - 50 AS points_above FROM ({}) AS m")
    return Relation(query.format(openness_by_month.query), openness_by_month.parameters)


@dg.asset(group_name="another")
def openness_summary(openness_by_month: pd.DataFrame) -> pd.DataFrame:
    """Sum all months up."""
    figures = openness_by_month.agg({"month": "count", "sample_size": "sum"})
    return pd.DataFrame(
        {
            "months": [int(figures["month"])],
            "responses": [int(figures["sample_size"])],
            "lowest": [openness_by_month["mean"].min()],
            "highest": [openness_by_month["mean"].max()],
        }
    )


defs = dg.Definitions(
    assets=[openness_by_month, openness_above_middle, openness_summary],
    asset_checks=publication_checks(openness_by_month),
    executor=dg.in_process_executor,
    resources={
        **platform_resources(),
        "io_manager": PostgresIOManager(url=dg.EnvVar("ANOTHER_DB_URL"), schema_name="another"),
    },
)
