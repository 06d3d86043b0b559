"""The released tables: by month from states, by day from rows; refreshed where touched.

For: the refresh and rebuild jobs, the touched-months sensor, backfills. Not for: counting
(``states``) or what may be released (``insight``).

A month's states and all that is released from them change in one transaction, so the step of the
months releases the touched days of the daily tables too, and notes a materialization for each of
them. The step of the days is for people: it releases the days asked for again from their rows.
The days of ``ocean_trait_distributions`` are made from states, not rows, so that only the step of
the months may write them; each day's asset says how many such rows there are (``trait_rows``).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

import dagster as dg
from pydantic import Field

from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.assets.anonymized import TABLES
from ioc_analytics.orchestration.partitions import (
    DAYS,
    MONTHS,
    dates_of,
    day_key,
    month_key,
)
from ioc_analytics.orchestration.presentation import refresh_metadata, table_spec
from ioc_analytics.records.answers import RefreshReceipt
from ioc_analytics.records.quality import ON_INGEST
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures
from ioc_analytics.schema.views import PromisesBroken

RELEASED: Final = {
    "ocean_trait_distributions": "distributions",
    "benchmarking_data": "benchmarks",
}
"""Each table released by month, and its group."""

DAILY: Final = {
    "daily_assessment_metrics": "metrics",
    "dual_ai_validation_metrics": "validation",
}
"""Each table released by day, and its group."""

_TRAITS: Final = "ocean_trait_distributions"
_ACTIVITY: Final = "daily_assessment_metrics"

RELEASE_STEP: Final = "released_tables"
DAILY_STEP: Final = "daily_tables"


class ReleaseConfig(dg.Config):
    """How to bring the months up to date."""

    rebuild: bool = Field(
        default=False,
        description="Count every day of the months again from rows; otherwise touched days only.",
    )


@dg.multi_asset(
    name=RELEASE_STEP,
    specs=[
        table_spec(table, group, tags={"privacy": "released"}, deps=list(TABLES))
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
    months = dates_of(context.partition_keys)
    with failures():
        system = analytics.system
        # A check may have ended after the sensor asked for this run.
        broken = system.broken_promises(ON_INGEST)
        if broken:
            raise PromisesBroken("the months stay", broken)
        if config.rebuild:
            receipt = system.rebuild(months, with_views=False)
        else:
            receipt = system.refresh(
                [month for month in system.touched_months() if month in set(months)],
                with_views=False,
            )
        _note_days(context, analytics, receipt)
        _show_newest(context, analytics, RELEASED, month_key(max(receipt.months or months)))
        rows = presentation.count_rows(system, RELEASED)
        courses = presentation.courses(system, RELEASED)
        counted = system.count_months(months)
    for table in RELEASED:
        for month, number in counted[table].items():
            stored = {"dagster/partition_row_count": number}
            context.add_asset_metadata(stored, table, month_key(month))
        metadata = {**rows[table], **courses[table], **refresh_metadata(receipt, table)}
        yield dg.MaterializeResult(asset_key=table, metadata=metadata)


@dg.multi_asset(
    name=DAILY_STEP,
    specs=[
        table_spec(table, group, tags={"privacy": "released"}, deps=list(TABLES))
        for table, group in DAILY.items()
    ],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRY,
    pool="states",
)
def daily_tables(
    context: dg.AssetExecutionContext, analytics: AnalyticsResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Release a range of days again from their rows, a transaction per month."""
    days = dates_of(context.partition_keys)
    with failures():
        system = analytics.system
        receipt = system.rebuild_days(days, with_views=False)
        counted = system.count_days(days)
        _show_newest(context, analytics, DAILY, day_key(max(days)))
        rows = presentation.count_rows(system, DAILY)
        courses = presentation.courses(system, DAILY)
    for table in DAILY:
        for day in days:
            context.add_asset_metadata(_rows_of(counted, table, day), table, day_key(day))
        metadata = {**rows[table], **courses[table], **refresh_metadata(receipt, table)}
        yield dg.MaterializeResult(asset_key=table, metadata=metadata)


def _note_days(
    context: dg.AssetExecutionContext, analytics: AnalyticsResource, receipt: RefreshReceipt
) -> None:
    """Note each released day of the daily tables, the newest with its picture."""
    released = {
        "daily_assessment_metrics": sorted({*receipt.days, *receipt.assessment_days}),
        "dual_ai_validation_metrics": list(receipt.days),
    }
    every_day = released["daily_assessment_metrics"]
    if not every_day:
        return
    counted = analytics.system.count_days(every_day)
    rows = presentation.count_rows(analytics.system, DAILY)
    courses = presentation.courses(analytics.system, DAILY)
    for table, days in released.items():
        for day in days:
            is_newest = day == days[-1]
            metadata = {
                **_rows_of(counted, table, day),
                **rows[table],
                **courses[table],
                **(refresh_metadata(receipt, table) if is_newest else {}),
                **(_picture(analytics, table, day_key(day)) if is_newest else {}),
            }
            context.log_event(
                dg.AssetMaterialization(table, partition=day_key(day), metadata=metadata)
            )


def _rows_of(
    counted: Mapping[str, Mapping[date, int]], table: str, day: date
) -> presentation.Metadata:
    stored = {"dagster/partition_row_count": counted[table][day]}
    # The traits of a day stand in the table of the months, whose asset has no days.
    by_day = {"trait_rows": counted[_TRAITS][day]} if table == _ACTIVITY else {}
    return stored | by_day


def _show_newest(
    context: dg.AssetExecutionContext,
    analytics: AnalyticsResource,
    tables: Iterable[str],
    newest: str,
) -> None:
    # One picture a run: a year of months with a picture each would weigh a megabyte.
    for table in tables:
        context.add_asset_metadata(_picture(analytics, table, newest), table, newest)


def _picture(analytics: AnalyticsResource, table: str, newest: str) -> presentation.Metadata:
    partitions = DAYS if table in DAILY else MONTHS
    until = partitions.time_window_for_partition_key(newest).end.date()
    return presentation.section(analytics.system.show_released(table, until))
