"""How old an asset may be before it is late: what a schedule makes is late when ticks are missed.

For: ``build_defs`` and the watch. Not for: the age of the data themselves (the check ``fresh``), or
assets that are made when something happens, which are never late.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import dagster as dg

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_values import OFF
from ioc_analytics.orchestration.assets.operations import HEALTH
from ioc_analytics.orchestration.assets.predictions import PREDICTIONS, SCORES
from ioc_analytics.orchestration.assets.views import SOURCES
from ioc_analytics.orchestration.schedules import longest_gap

_GRACE: Final = timedelta(minutes=30)
"""What a run may take, and wait for others."""


def fresh_assets(config: AnalyticsConfig) -> Mapping[str, str]:
    """Return the assets that schedules make, and the time of each."""
    found = dict.fromkeys(SOURCES, config.schedules.views)
    found |= dict.fromkeys((PREDICTIONS, SCORES), config.schedules.predictions)
    if config.enable_monitoring:
        found["data_quality_metrics"] = config.schedules.quality
        found[HEALTH] = config.schedules.health
    if config.enable_backups:
        found["backups"] = config.backup_schedule
    return {name: cron for name, cron in found.items() if cron != OFF}


def with_freshness(
    assets: Sequence[dg.AssetsDefinition], config: AnalyticsConfig
) -> list[dg.AssetsDefinition]:
    """Return the assets, with a warning after one missed tick and a failure after two."""
    policies = {
        dg.AssetKey(name): _policy(longest_gap(cron)) for name, cron in fresh_assets(config).items()
    }

    def add(spec: dg.AssetSpec) -> dg.AssetSpec:
        policy = policies.get(spec.key)
        return spec if policy is None else spec.replace_attributes(freshness_policy=policy)

    return [one.map_asset_specs(add) for one in assets]


def _policy(gap: timedelta) -> dg.FreshnessPolicy:
    return dg.FreshnessPolicy.time_window(fail_window=2 * gap + _GRACE, warn_window=gap + _GRACE)
