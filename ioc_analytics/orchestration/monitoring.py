"""The watch over platform and orchestration: sensors that measure and tell; they start no run.

For: ``build_defs``. Not for: the rules and routes (``monitoring``), or data quality, which may take
longer than a tick (``assets.quality``).

Dagster tells nobody of a failed check, a failing sensor or a late asset. Here they are figures like
all others, of the component ``orchestration``: the same rules, routes, silences and runbooks.
"""

import json
from datetime import timedelta
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.assets.quality import QUALITY
from ioc_analytics.orchestration.freshness import fresh_assets
from ioc_analytics.orchestration.zombies import end_dead_runs, end_lost_tasks
from ioc_analytics.records.health import Measurement
from ioc_analytics.records.quality import CHECKS
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import failures

INTERVAL_SECONDS: Final = 300
QUICK_SECONDS: Final = 30
COMPONENT: Final = "orchestration"

_EVENTS: Final = 500
"""Newest check results that are looked at; an evaluation of quality has seventeen."""

_QUALITY_KEYS: Final = {dg.AssetCheckKey(dg.AssetKey(QUALITY), name) for name in CHECKS}

_OFF: Final = dg.SkipReason("switched off (ANALYTICS_ENABLE_MONITORING)")


@dg.sensor(
    name="watch",
    description="Measures health, of Dagster too, and checks alerts every five minutes.",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def watch(context: dg.SensorEvaluationContext, analytics: AnalyticsResource) -> dg.SkipReason:
    """Measures health, of Dagster too, and checks alerts every five minutes.

    It starts no run: what it found stands in its ticks, in `system_health_metrics` and in
    `ioc-analytics alerts list`. `ANALYTICS_ENABLE_MONITORING=false` switches it off.
    """
    if not analytics.config.enable_monitoring:
        return _OFF
    return dg.SkipReason(_tell(context.instance, analytics))


@dg.run_failure_sensor(
    name="failed_runs",
    minimum_interval_seconds=QUICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def failed_runs(context: dg.RunFailureSensorContext, analytics: AnalyticsResource) -> dg.SkipReason:
    """Checks alerts as soon as a run has failed; `runs_fail` is their rule."""
    if not analytics.config.enable_monitoring:
        return _OFF
    found = _tell(context.instance, analytics)
    return dg.SkipReason(f"{context.dagster_run.job_name} failed; {found}")


@dg.sensor(
    name="failed_checks",
    description="Checks alerts as soon as an asset check has failed, or passes again.",
    minimum_interval_seconds=QUICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def failed_checks(
    context: dg.SensorEvaluationContext, analytics: AnalyticsResource
) -> dg.SkipReason:
    """Checks alerts as soon as an asset check has failed, or passes again; rule `checks_fail`.

    A failed check that does not block leaves its run successful, so that no failure of a run
    would tell of it. Warnings are shown on the asset's page alone.
    """
    if not analytics.config.enable_monitoring:
        return _OFF
    moment, _, known = (context.cursor or "").partition(" ")
    newest = _evaluations(context.instance, limit=1)
    if not newest or str(newest[0].timestamp) == moment:
        return dg.SkipReason("no new result of a check")
    failing = " ".join(_failing_checks(context.instance))
    context.update_cursor(f"{newest[0].timestamp} {failing}")
    if failing == known:
        return dg.SkipReason(f"failing as before: {failing or 'none'}")
    return dg.SkipReason(f"failing: {failing or 'none'}; {_tell(context.instance, analytics)}")


@dg.sensor(
    name="dead_runs",
    description="Ends runs whose process is gone, so that nothing stays started after a crash.",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Ends runs whose process is gone, so that nothing stays started after a crash.

    Dagster then starts them again, once (`run_retries` in `dagster.yaml`).
    """
    lost, missed = end_lost_tasks(context.instance, json.loads(context.cursor or "{}"))
    context.update_cursor(json.dumps(missed))
    ended = [*end_dead_runs(context.instance), *lost]
    return dg.SkipReason(f"ended: {', '.join(ended)}" if ended else "every run has its process")


def measure_instance(instance: dg.DagsterInstance, config: AnalyticsConfig) -> list[Measurement]:
    """Return what is wrong in Dagster itself, in numbers."""
    figures = {
        "failed_runs": _failed_runs(instance),
        "failing_checks": len(_failing_checks(instance)),
        "failing_ticks": _failing_ticks(instance),
        "late_assets": _late_assets(instance, list(fresh_assets(config))),
    }
    return [
        Measurement(COMPONENT, name, float(number), "count") for name, number in figures.items()
    ]


def _tell(instance: dg.DagsterInstance, analytics: AnalyticsResource) -> str:
    with failures():
        system = analytics.system
        system.keep_measurements(measure_instance(instance, analytics.config))
        found = system.check_for_alerts()
    return f"open alerts: {', '.join(alert.rule for alert in found) or 'none'}"


def _failed_runs(instance: dg.DagsterInstance) -> int:
    """Count runs that failed within a day and were not started again, or failed again."""
    since = utc_now() - timedelta(hours=24)
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since), limit=_EVENTS
    )
    return sum("dagster/auto_retry_run_id" not in one.dagster_run.tags for one in records)


def _evaluations(instance: dg.DagsterInstance, limit: int) -> list[dg.EventLogEntry]:
    """Return the newest results of checks, the newest first."""
    # Without a cursor: the storage in SQLite, which keeps events by run, cannot take one.
    wanted = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    records = instance.event_log_storage.get_event_records(wanted, limit=limit)
    return [record.event_log_entry for record in records]


def _failing_checks(instance: dg.DagsterInstance) -> list[str]:
    """Return the checks whose newest result is a fault."""
    newest: dict[Any, dg.AssetCheckEvaluation] = {}
    for limit in (_EVENTS, 20 * _EVENTS):
        for entry in _evaluations(instance, limit):
            if entry.dagster_event is not None:
                one = entry.dagster_event.asset_check_evaluation_data
                newest.setdefault(one.asset_check_key, one)
        # Many batches after the last evaluation its results lie further back.
        if newest.keys() >= _QUALITY_KEYS:
            break
    return sorted(one.check_name for one in newest.values() if _is_fault(one))


def _is_fault(one: dg.AssetCheckEvaluation) -> bool:
    return not one.passed and one.severity == dg.AssetCheckSeverity.ERROR


def _failing_ticks(instance: dg.DagsterInstance) -> int:
    """Count the sensors and schedules whose newest finished tick failed."""
    if instance.schedule_storage is None:
        return 0  # an instance of a test or of `execute_in_process`: nothing ticks
    ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
    failing = 0
    for state in instance.all_instigator_state():
        if state.status == InstigatorStatus.STOPPED:
            continue
        origin, selector = state.instigator_origin_id, state.selector_id
        ticks = instance.get_ticks(origin, selector, limit=1, statuses=ended)
        failing += bool(ticks) and ticks[0].status == TickStatus.FAILURE
    return failing


def _late_assets(instance: dg.DagsterInstance, names: list[str]) -> int:
    records = instance.get_freshness_state_records([dg.AssetKey(name) for name in names])
    return sum(one.freshness_state == FreshnessState.FAIL for one in records.values())
