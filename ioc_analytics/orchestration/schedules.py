"""The schedules: what runs by the clock, all of it from the start, each at a time of the settings.

For: ``build_defs``. Not for: what touched data ask for (``sensors``).

Times are UTC. After a pause of the daemon Dagster asks once for every tick that was missed. Only
the newest is wanted: a second backup of the same state, or a measurement of a moment that has
gone, is worth nothing. So a tick whose successor is due already is skipped, and says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import dagster as dg
from dagster._utils.schedules import schedule_execution_time_iterator

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.settings_values import OFF
from ioc_analytics.orchestration.assets.reports import REPORTS
from ioc_analytics.orchestration.forgetting import FORGET_RUNS
from ioc_analytics.orchestration.jobs import (
    BACKUP,
    EVALUATE_QUALITY,
    MAINTAIN,
    MEASURE_HEALTH,
    PREDICT,
    REFRESH_VIEWS,
    RESTORE_DRILL,
    RETENTION,
)
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.schema.views import PromisesBroken

_LOOKED_AT: Final = 15
_LOOKED_AHEAD: Final = timedelta(days=15)
"""Ticks, and time, that tell the longest gap: every weekday twice, every month once."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A job and its time."""

    job: str
    cron: str
    description: str


def planned(config: AnalyticsConfig) -> Iterator[Planned]:
    """Return what the settings want to run by the clock."""
    if config.enable_backups:
        yield Planned(
            BACKUP,
            config.backup_schedule,
            "Makes and drills a backup (`ANALYTICS_BACKUP_SCHEDULE`).",
        )
        yield Planned(
            RESTORE_DRILL,
            config.schedules.drill,
            "Restores the newest backup on trial (`ANALYTICS_DRILL_SCHEDULE`), long after it was "
            "made.",
        )
    if config.enable_monitoring:
        yield Planned(
            MEASURE_HEALTH,
            config.schedules.health,
            "Measures health and shows it on its asset (`ANALYTICS_HEALTH_SCHEDULE`); the sensor "
            "`watch` measures every five minutes.",
        )
        yield Planned(
            EVALUATE_QUALITY,
            config.schedules.quality,
            "Evaluates data quality (`ANALYTICS_QUALITY_SCHEDULE`).",
        )
    yield Planned(
        REFRESH_VIEWS,
        config.schedules.views,
        "Refreshes the materialized views (`ANALYTICS_VIEWS_SCHEDULE`); a refresh of touched "
        "months does so too.",
    )
    for name, kind in REPORTS.items():
        yield Planned(
            name,
            getattr(config.schedules, name),
            f"Writes the {kind} report (`ANALYTICS_{name.upper()}_SCHEDULE`).",
        )
    yield Planned(
        PREDICT,
        config.schedules.predictions,
        "Scores earlier predictions and makes new ones (`ANALYTICS_PREDICTIONS_SCHEDULE`).",
    )
    yield Planned(
        MAINTAIN,
        config.schedules.maintenance,
        "Gives the tables the care that they need (`ANALYTICS_MAINTENANCE_SCHEDULE`).",
    )
    yield Planned(
        RETENTION,
        config.schedules.retention,
        "Plans what has expired (`ANALYTICS_RETENTION_SCHEDULE`); with `ANALYTICS_RETENTION_APPLY` "
        "it goes.",
    )
    yield Planned(
        FORGET_RUNS,
        config.schedules.forgetting,
        "Lets Dagster's own runs go after `ANALYTICS_DAGSTER_DAYS` "
        "(`ANALYTICS_FORGETTING_SCHEDULE`).",
    )


def build_schedules(config: AnalyticsConfig) -> list[dg.ScheduleDefinition]:
    """Return the schedules that the settings ask for."""
    return [_build(one) for one in planned(config) if one.cron != OFF]


def _build(one: Planned) -> dg.ScheduleDefinition:
    is_of_views = one.job == REFRESH_VIEWS

    @dg.schedule(
        name=f"{one.job}_schedule",
        job_name=one.job,
        cron_schedule=one.cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=one.description,
        required_resource_keys={"analytics"} if is_of_views else None,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        at = context.scheduled_execution_time
        if _next_tick(one.cron, at) <= utc_now():
            return dg.SkipReason(f"missed at {at:%Y-%m-%d %H:%M} UTC; a later tick is due already")
        reason = _why_views_wait(context.resources.analytics) if is_of_views else None
        if reason is not None:
            return dg.SkipReason(reason)
        return dg.RunRequest(run_key=f"{one.job} {at:%Y-%m-%dT%H:%M}Z")

    return schedule


def _why_views_wait(analytics: AnalyticsResource) -> str | None:
    broken = analytics.system.broken_promises()
    return str(PromisesBroken("the views stay", broken)) if broken else None


def longest_gap(cron: str) -> timedelta:
    """Return the longest time between two ticks: nights, weekends and long months included."""
    now = utc_now()
    moments = schedule_execution_time_iterator(now.timestamp(), cron, "UTC", ascending=True)
    ticks: list[datetime] = []
    for tick in moments:
        ticks.append(tick)
        if len(ticks) >= _LOOKED_AT and tick > now + _LOOKED_AHEAD:
            break
    return max(after - tick for tick, after in pairwise(ticks))


def _next_tick(cron: str, tick: datetime) -> datetime:
    moments = schedule_execution_time_iterator(tick.timestamp() + 1, cron, "UTC", ascending=True)
    return next(moments).astimezone(UTC)
