"""What has expired, as assets: the plan of each night, and the archives that rows left behind.

For: their job and schedule. Not for: what expires and what keeps it (``maintenance``), or Dagster's
own runs (``orchestration.forgetting``).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.assets.anonymized import TABLES
from ioc_analytics.orchestration.assets.operations import OPERATIONS
from ioc_analytics.orchestration.presentation import OWNERS
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

if TYPE_CHECKING:
    from ioc_analytics.records.retention import RetentionPlan, RetentionReceipt

PLANS: Final = "retention"
ARCHIVES: Final = "archives"
RETENTION_STEP: Final = "end_expired"


class RetentionConfig(dg.Config):
    """How to end what has expired."""

    apply: bool | None = Field(
        default=None,
        description="Let go what the plan names; ANALYTICS_RETENTION_APPLY unless given.",
    )


@dg.multi_asset(
    # Not the asset's name: the job has that one.
    name=RETENTION_STEP,
    specs=[
        dg.AssetSpec(
            PLANS,
            group_name=OPERATIONS,
            description="What has expired, planned and, where that is wanted, gone: with the plan, "
            "what keeps the rest, and the certificates of what went",
            kinds={"postgres"},
            owners=OWNERS,
            # The plan asks which drilled backup holds the rows.
            deps=[*TABLES, "backups"],
        ),
        dg.AssetSpec(
            ARCHIVES,
            group_name=OPERATIONS,
            description="Raw rows that left the tables, written to the archive folder before",
            kinds={"postgres", "parquet"},
            owners=OWNERS,
            tags={"privacy": "pseudonymised"},
            deps=[PLANS],
            # Most nights nothing goes, and without ANALYTICS_ARCHIVE_FOLDER nothing is kept.
            skippable=True,
        ),
    ],
    retry_policy=RETRY,
    pool="ingest",
)
def end_expired(
    context: dg.AssetExecutionContext, config: RetentionConfig, analytics: AnalyticsResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Plan what has expired, and carry the plan out if that is wanted."""
    wanted = analytics.config.retention.apply if config.apply is None else config.apply
    with failures():
        plan = analytics.system.plan_retention()
        for what in plan.described():
            context.log.info(f"plan {plan.id}: {what}")
        for what, reason in plan.kept.items():
            context.log.warning(f"{what} has expired and is kept ({reason})")
        if plan.is_empty or not wanted:
            reason = "nothing has expired" if plan.is_empty else "ANALYTICS_RETENTION_APPLY is off"
            context.log.info(f"plan {plan.id} is not carried out: {reason}")
            yield dg.MaterializeResult(asset_key=PLANS, metadata=_planned(plan) | {"note": reason})
            return
        done = analytics.system.apply_retention(plan, progress=context.log.info)
    yield dg.MaterializeResult(asset_key=PLANS, metadata=_planned(plan) | _gone(done))
    if done.archived:
        yield dg.MaterializeResult(asset_key=ARCHIVES, metadata=_archived(plan, done))


def _planned(plan: "RetentionPlan") -> presentation.Metadata:
    return {
        "plan": -1 if plan.id is None else plan.id,
        "raw_rows": plan.raw_rows,
        "expired": presentation.table(plan.rows()),
        "kept": presentation.table(
            [{"what": what, "reason": reason} for what, reason in plan.kept.items()]
        ),
        "covered_by": plan.backup or plan.backup_fault or "no raw rows go",
    }


def _gone(done: "RetentionReceipt") -> presentation.Metadata:
    return {
        "sealed": [f"{month:%Y-%m}" for month in done.sealed],
        "deleted": dict(done.deleted),
        "detached": list(done.detached),
        "dropped": dict(done.dropped),
        "others": dict(done.tiers),
        "certificates": list(done.certificates),
        "seconds": done.duration_seconds,
    }


def _archived(plan: "RetentionPlan", done: "RetentionReceipt") -> presentation.Metadata:
    folders = [Path(folder) for folder in done.archived]
    return {
        "plan": -1 if plan.id is None else plan.id,
        "rows": sum(sum(month.rows.values()) for month in plan.months),
        "size_bytes": sum(file.stat().st_size for folder in folders for file in folder.iterdir()),
        "folders": presentation.table([{"folder": str(folder)} for folder in folders]),
        "certificates": list(done.certificates),
    }
