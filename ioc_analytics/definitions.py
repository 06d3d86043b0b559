"""Dagster's door: ``dagster dev -w workspace.yaml`` comes in here."""

import dagster as dg

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.build import build_defs


@dg.definitions
def defs() -> dg.Definitions:
    """Return everything that Dagster shows and runs."""
    return build_defs(AnalyticsConfig.load())
