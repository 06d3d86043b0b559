"""The sensors: a file in the inbox becomes a run, touched months become a run.

For: ``build_defs``; both run from the start. Not for: what complete means (``inbox``).
"""

import time
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.orchestration.inbox import Arrival, Inbox, shown_name
from ioc_analytics.orchestration.jobs import INGEST, INGEST_STEP, REFRESH
from ioc_analytics.orchestration.partitions import adjacent_months, month_key
from ioc_analytics.orchestration.presentation import DROPPED_TAG
from ioc_analytics.records.quality import ON_INGEST
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.schema.views import PromisesBroken

ARRIVAL_TAG: Final = "ioc/arrival"
"""Tag of a run with the signature of what it takes in."""

ATTEMPT_TAG: Final = "ioc/attempt"
"""Tag of a run with the number of runs that took this batch up, itself included."""

MARK_TAG: Final = "ioc/mark"
"""Tag of a refresh with the number of the newest mark that asked for it, or the day that did."""

INTERVAL_SECONDS: Final = 10
BATCHES_PER_TICK: Final = 20

QUEUED_BATCHES: Final = 40
"""Unfinished runs beyond which the inbox waits: files are safer in it than in a queue."""

_ATTEMPTS: Final = 10
_LOOKED_AT: Final = 200
_FIRST_WAIT_SECONDS: Final = 30
_LONGEST_WAIT_SECONDS: Final = 3600
_FAILED_REFRESH_WAIT_SECONDS: Final = 300
_TAG_LENGTH: Final = 255
_FINISHED: Final = list(FINISHED_STATUSES)
_UNFINISHED: Final = [status for status in dg.DagsterRunStatus if status not in _FINISHED]


@dg.sensor(
    name="inbox",
    description="Starts a run for every complete batch in the inbox folder (`ANALYTICS_INBOX`).",
    job_name=INGEST,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def inbox(context: dg.SensorEvaluationContext, analytics: AnalyticsResource) -> dg.SensorResult:
    """Starts a run for every complete batch in the inbox folder (`ANALYTICS_INBOX`).

    A batch is one file or one folder. It is taken once nothing about it has changed for
    `ANALYTICS_INBOX_SETTLE_SECONDS`; while the disk is nearly full, or forty batches are on their
    way, none is taken. Hidden files, `*.part`, `*.tmp` and the like are left alone,
    so write under such a name and rename.

    What cannot be read goes to `failed/` as well, and keeps no other batch waiting.

    A wide survey export needs a mapping: `survey.csv.toml` or `survey.toml` beside `survey.csv`,
    or a `mapping.toml` for all single files of the inbox; a folder may bring its own
    `mapping.toml`. Mappings stay where they are.

    After its commit a batch is deleted, or kept in `done/` for `ANALYTICS_INBOX_KEEP_DAYS`; a
    refused one goes to `failed/`, with the reason in a text beside it. A run that ends otherwise is
    tried again, at longer and longer intervals; after ten runs the batch goes to `failed/` too.
    """
    folder = Inbox(analytics.config.inbox)
    folder.purge()
    arrivals, unreadable = folder.look()
    for path, fault in unreadable.items():
        told = f"{shown_name(path)} cannot be read: {fault}"
        context.log.error(told if folder.set_aside(path, told) else f"{told}; nor can it be moved")
    reason = _why_to_wait(context.instance, analytics) if arrivals else None
    if reason is not None:
        return dg.SensorResult(skip_reason=f"{len(arrivals)} batches wait: {reason}")
    requests: list[dg.RunRequest] = []
    for arrival in arrivals:
        if len(requests) == BATCHES_PER_TICK:
            break
        attempt = _next_attempt(context.instance, arrival)
        if attempt is None:
            continue
        if attempt > _ATTEMPTS:
            reason = f"{_ATTEMPTS} runs ended without taking it in; see the runs of job {INGEST}"
            context.log.error(f"{shown_name(arrival.path)}: {reason}")
            folder.refuse(arrival.path, arrival.signature, reason)
            continue
        requests.append(_request(arrival, attempt))
    if not requests:
        return dg.SensorResult(skip_reason=f"no new complete batch in {folder.path}")
    return dg.SensorResult(run_requests=requests)


@dg.sensor(
    name="touched_months",
    description="Refreshes exactly the months that new, late or corrected rows touched.",
    job_name=REFRESH,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def touched_months(
    context: dg.SensorEvaluationContext, analytics: AnalyticsResource
) -> dg.SensorResult:
    """Refreshes exactly the months that new, late or corrected rows touched.

    Adjacent months go into one run. While a refresh is waiting or running nothing more is asked
    for, and after a failed one five minutes pass before the same months are tried again. Once a
    day, months without new rows are asked for whose days have become mature since. While the
    newest result of a check on ingestion is bad, nothing is asked for either: what such a batch
    brought is not released before somebody has looked.
    """
    unfinished = dg.RunsFilter(job_name=REFRESH, statuses=_UNFINISHED)
    if _newest_run(context.instance, unfinished) is not None:
        return dg.SensorResult(skip_reason="a refresh is on its way")
    today = f"{utc_now():%Y%m%d}"
    marks = analytics.system.newest_marks()
    if not marks and context.cursor != today:
        marks = dict.fromkeys(analytics.system.ripe_months(), int(today))
    if not marks:
        return dg.SensorResult(skip_reason="no month is touched", cursor=today)
    broken = analytics.system.broken_promises(ON_INGEST)
    if broken:
        return dg.SensorResult(skip_reason=str(PromisesBroken("the months stay", broken)))
    due = [
        (first, last)
        for first, last in adjacent_months(marks)
        if not _has_just_failed(context.instance, _range_tags(first, last))
    ]
    if not due:
        return dg.SensorResult(skip_reason="the last refresh failed; the next waits a little")
    dropped = _oldest_drop(context.instance)
    requests = []
    for first, last in due:
        newest = max(mark for month, mark in marks.items() if first <= month <= last)
        wanted = {**_range_tags(first, last), MARK_TAG: str(newest)}
        requests.append(_refresh_request(context.instance, wanted, dropped))
    return dg.SensorResult(run_requests=requests)


def _why_to_wait(instance: dg.DagsterInstance, analytics: AnalyticsResource) -> str | None:
    on_its_way = instance.get_runs_count(dg.RunsFilter(job_name=INGEST, statuses=_UNFINISHED))
    if on_its_way >= QUEUED_BATCHES:
        return f"{on_its_way} batches are on their way already"
    storage = analytics.unopened.check_storage()
    return None if storage.status != "unhealthy" else f"the disk is nearly full ({storage.detail})"


def _oldest_drop(instance: dg.DagsterInstance) -> dict[str, str]:
    """Return, as a tag, when the oldest batch was dropped that no refresh has seen yet."""
    newest = _newest_run(instance, dg.RunsFilter(job_name=REFRESH))
    wanted = dg.RunsFilter(
        job_name=INGEST,
        statuses=[dg.DagsterRunStatus.SUCCESS],
        updated_after=newest.create_timestamp if newest else None,
    )
    runs = [record.dagster_run for record in instance.get_run_records(wanted, limit=_LOOKED_AT)]
    dropped = [run.tags[DROPPED_TAG] for run in runs if DROPPED_TAG in run.tags]
    return {DROPPED_TAG: min(dropped)} if dropped else {}


def _request(arrival: Arrival, attempt: int) -> dg.RunRequest:
    settings: dict[str, Any] = {"paths": [str(arrival.path)]}
    if arrival.mapping is not None:
        settings["mapping"] = str(arrival.mapping)
    tag = _tag(arrival)
    return dg.RunRequest(
        run_key=f"{tag}|{attempt}",
        run_config={"ops": {INGEST_STEP: {"config": settings}}},
        tags={
            ARRIVAL_TAG: tag,
            ATTEMPT_TAG: str(attempt),
            DROPPED_TAG: arrival.dropped_at.isoformat(),
            "ioc/file": shown_name(arrival.path)[:_TAG_LENGTH],
        },
    )


def _refresh_request(
    instance: dg.DagsterInstance, wanted: Mapping[str, str], others: Mapping[str, str]
) -> dg.RunRequest:
    """Ask for a refresh by a key that every daemon finds for the same marks."""
    # Another daemon's run for these marks, which has just begun, is no attempt that has passed.
    passed = dg.RunsFilter(job_name=REFRESH, tags=dict(wanted), statuses=_FINISHED)
    attempt = instance.get_runs_count(passed) + 1
    return dg.RunRequest(
        run_key="|".join([*wanted.values(), str(attempt)]), tags={**wanted, **others}
    )


def _range_tags(first: date, last: date) -> dict[str, str]:
    return {
        "dagster/asset_partition_range_start": month_key(first),
        "dagster/asset_partition_range_end": month_key(last),
    }


def _has_just_failed(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> bool:
    newest = _newest_run(instance, dg.RunsFilter(job_name=REFRESH, tags=dict(tags)))
    if newest is None or not newest.dagster_run.is_failure:
        return False
    return time.time() - (newest.end_time or 0) < _FAILED_REFRESH_WAIT_SECONDS


def _next_attempt(instance: dg.DagsterInstance, arrival: Arrival) -> int | None:
    """Return the number of the run to start for a batch; None while it is not its time."""
    wanted = dg.RunsFilter(tags={ARRIVAL_TAG: _tag(arrival)})
    newest = _newest_run(instance, wanted)
    if newest is None:
        return 1
    if not newest.dagster_run.is_finished:
        return None
    attempts = instance.get_runs_count(wanted)
    wait = min(_FIRST_WAIT_SECONDS * 2 ** (attempts - 1), _LONGEST_WAIT_SECONDS)
    if time.time() - (newest.end_time or 0) < wait:
        return None
    return attempts + 1


def _newest_run(instance: dg.DagsterInstance, wanted: dg.RunsFilter) -> dg.RunRecord | None:
    return next(iter(instance.get_run_records(wanted, limit=1)), None)


def _tag(arrival: Arrival) -> str:
    return arrival.signature[-_TAG_LENGTH:]
