"""Old runs of Dagster's own: they go, with their events, tags and logs; the newest word stays.

For: the job ``forget_runs``. Not for: ticks (``retention`` in ``dagster.yaml``), or data of the
platform (the job ``retention``).
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from pydantic import Field

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.maintenance.dagster_storage import Forgotten, forget
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

FORGET_RUNS: Final = "forget_runs"

_DRIVER: Final = "+psycopg2"
_NEWEST_STAYS: Final = (
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_OBSERVATION,
)


class ForgetConfig(dg.Config):
    """What is old."""

    days: int | None = Field(
        default=None, description="Age from which runs go; ANALYTICS_DAGSTER_DAYS unless given."
    )


@dg.op(name="forget_old_runs", retry_policy=RETRY, pool="instance")
def forget_old_runs_op(
    context: dg.OpExecutionContext, config: ForgetConfig, analytics: AnalyticsResource
) -> None:
    """Let Dagster's old runs go."""
    # Imported late: that room brings pandas, which the definitions must not wait for.
    from ioc_analytics.records.retention import DAGSTER

    days = analytics.config.retention.dagster_days if config.days is None else config.days
    with failures():
        if any(hold.tier in (None, DAGSTER) for hold in analytics.system.list_holds()):
            # Log lines have no subject of their own: any hold on them keeps them all.
            context.log.warning("a legal hold keeps all of them")
            return
        gone = forget_old_runs(context.instance, utc_now() - timedelta(days=days))
    context.add_output_metadata(asdict(gone))
    context.log.info(
        f"older than {days} days: {gone.runs} runs, {gone.events} events, {gone.checks} results "
        "of checks have gone"
    )


@dg.job(
    name=FORGET_RUNS,
    description="Let Dagster's own old runs go, with events, tags and logs; the newest event about "
    "each asset, partition and check stays.",
)
def forget_runs_job() -> None:
    """One step."""
    forget_old_runs_op()


def forget_old_runs(instance: dg.DagsterInstance, before: datetime) -> Forgotten:
    """Let go what ended before a moment and has been followed by something newer.

    In PostgreSQL event by event. In files a run goes as a whole, unless the newest event about
    some asset, partition or check is its own.
    """
    url = getattr(instance.event_log_storage, "postgres_url", None)
    if url is None:
        return _forget_files(instance, before)

    def forget_logs(run_id: str) -> None:
        instance.compute_log_manager.delete_logs(prefix=[run_id])

    return forget(url.replace(_DRIVER, "", 1), before, forget_logs)


def _forget_files(instance: dg.DagsterInstance, before: datetime) -> Forgotten:
    kept = set(_runs_of_the_newest(instance))
    storage: Any = instance.event_log_storage
    old = instance.get_run_ids(
        dg.RunsFilter(statuses=list(FINISHED_STATUSES), updated_before=before)
    )
    going = [run_id for run_id in old if run_id not in kept]
    for run_id in going:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
        if hasattr(storage, "path_for_shard"):
            Path(storage.path_for_shard(run_id)).unlink(missing_ok=True)
    return Forgotten(len(going))


def _runs_of_the_newest(instance: dg.DagsterInstance) -> Iterator[str]:
    """Yield the runs from which the newest event about an asset, partition or check comes."""
    for key in instance.all_asset_keys():
        for kind in _NEWEST_STAYS:
            known: set[str | None] = set()
            for record in instance.event_log_storage.get_event_records(
                dg.EventRecordsFilter(kind, asset_key=key)
            ):
                if record.partition_key not in known:
                    known.add(record.partition_key)
                    yield record.run_id
    checks: set[Any] = set()
    for record in instance.event_log_storage.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ):
        event = record.event_log_entry.dagster_event
        if event is not None and event.asset_check_evaluation_data.asset_check_key not in checks:
            checks.add(event.asset_check_evaluation_data.asset_check_key)
            yield record.run_id
