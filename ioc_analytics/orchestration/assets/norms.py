"""Norm versions as an asset: made by hand, because a version is a decision.

For: the job ``make_norms``. Not for: the formulas (``statistics``), or giving stored scores the
percentiles of a version, unless that is asked for with it.
"""

from typing import Final

import dagster as dg
from pydantic import Field

from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.assets.anonymized import TABLES
from ioc_analytics.orchestration.presentation import OWNERS
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

NORMS: Final = "norm_versions"
NORMS_STEP: Final = "publish_norms"


class NormConfig(dg.Config):
    """Which version to make, of whom."""

    version: str = Field(
        description="Its name, such as 2025: letters, digits, dots, dashes, underscores."
    )
    start: str | None = Field(
        default=None, description="First day; from the beginning unless given."
    )
    end: str | None = Field(default=None, description="Day after the last one; now unless given.")
    minimum_n: int | None = Field(
        default=None,
        description="Fewest scores of a group, at least 10; the setting `norm_minimum_n` unless "
        "given.",
    )
    with_careless: bool = Field(
        default=False, description="Count responses flagged as careless too."
    )
    apply: bool = Field(
        default=False, description="Give the stored scores the percentiles of this version, too."
    )


@dg.multi_asset(
    name=NORMS_STEP,
    specs=[
        dg.AssetSpec(
            NORMS,
            group_name="norms",
            description="Versions of the norm tables: how scores spread in groups of people. No "
            "schedule makes one: which range, whose scores and under which name is a decision, "
            "and a version never changes. Start the job `make_norms` from the launchpad.",
            kinds={"postgres", "table"},
            owners=OWNERS,
            deps=list(TABLES),
        )
    ],
    retry_policy=RETRY,
    # Applied, it writes scores, which a batch does too.
    pool="ingest",
)
def publish_norms(
    context: dg.AssetExecutionContext, config: NormConfig, analytics: AnalyticsResource
) -> dg.MaterializeResult[None]:
    """Make a version of the norm tables, and apply it where that is wanted."""
    with failures():
        system = analytics.system
        made = system.create_norms(
            config.version,
            {"start": config.start, "end": config.end},
            config.minimum_n,
            with_careless=config.with_careless,
        )
        changed = system.apply_norms(made.version).changed if config.apply else 0
        versions = system.list_norms()
    context.log.info(f"version {made.version}: {made.groups} groups, {changed} scores changed")
    return dg.MaterializeResult(
        metadata={
            "version": made.version,
            "responses": made.responses,
            "groups": made.groups,
            "instruments": list(made.instruments),
            "minimum_n": made.minimum_n,
            "is_crossed": made.is_crossed,
            "scores_changed": changed,
            "versions": presentation.table(
                [
                    {
                        "version": one.version,
                        "responses": one.responses,
                        "groups": one.groups,
                        "published_at": f"{one.published_at:%Y-%m-%d %H:%M}",
                        "is_current": one.is_current,
                    }
                    for one in versions
                ]
            ),
        }
    )
