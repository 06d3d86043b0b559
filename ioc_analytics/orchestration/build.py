"""Everything that Dagster shows and runs, assembled by one function.

For: ``definitions``, tests and the command line, which all get it from here. Not for: the parts.
"""

from collections.abc import Mapping
from typing import Any, Final

import dagster as dg

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.assets.anonymized import anonymized_tables
from ioc_analytics.orchestration.assets.norms import publish_norms
from ioc_analytics.orchestration.assets.operations import LEDGERS, backups, system_health_metrics
from ioc_analytics.orchestration.assets.predictions import (
    prediction_scores,
    predictive_analytics_results,
)
from ioc_analytics.orchestration.assets.quality import data_quality_metrics
from ioc_analytics.orchestration.assets.released import daily_tables, released_tables
from ioc_analytics.orchestration.assets.reports import build_reports
from ioc_analytics.orchestration.assets.retention import end_expired
from ioc_analytics.orchestration.assets.views import materialized_views
from ioc_analytics.orchestration.checks import build_checks
from ioc_analytics.orchestration.freshness import with_freshness
from ioc_analytics.orchestration.jobs import build_jobs
from ioc_analytics.orchestration.monitoring import dead_runs, failed_checks, failed_runs, watch
from ioc_analytics.orchestration.schedules import build_schedules
from ioc_analytics.orchestration.sensors import inbox, touched_months
from ioc_analytics.resources import platform_resources

_ASSETS: Final = (
    anonymized_tables,
    released_tables,
    daily_tables,
    materialized_views,
    backups,
    end_expired,
    system_health_metrics,
    data_quality_metrics,
    prediction_scores,
    predictive_analytics_results,
    publish_norms,
    *build_reports(),
)


def build_defs(
    config: AnalyticsConfig | None = None,
    *,
    resources: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> dg.Definitions:
    """Return fresh definitions; nothing is opened, no environment is read.

    Args:
        config: The settings, which say what runs when; None: every setting at its default.
        resources: Resources in the place of, or besides, those of the platform.
        overrides: Other arguments of ``dagster.Definitions`` to replace, such as ``executor``.
    """
    settings = config or AnalyticsConfig.load({})
    parts: dict[str, Any] = {
        "assets": [*dg.with_source_code_references(with_freshness(_ASSETS, settings)), *LEDGERS],
        "asset_checks": build_checks(),
        "jobs": build_jobs(),
        "sensors": [inbox, touched_months, watch, failed_runs, failed_checks, dead_runs],
        "schedules": build_schedules(settings),
        # A process per step would import everything for each: 14 s a run instead of half a second.
        "executor": dg.in_process_executor,
        "resources": {**platform_resources(), **(resources or {})},
    }
    return dg.Definitions(**{**parts, **overrides})
