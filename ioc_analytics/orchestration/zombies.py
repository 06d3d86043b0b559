"""Runs whose process is gone: marked as failed, so that nothing waits for them.

For: the sensor ``dead_runs``. Not for: runs that take long, or that never started (Dagster's own
run monitoring ends those, by ``dagster.yaml``).

The code server reports a run process that dies. When it is killed together with its runs nobody
does, and a run of ``demo`` has no server at all: they would stay STARTED for ever, and what waits
for them (a file, a refresh) with them. Celery too leaves the task of a lost machine as started.
"""

import json
import time
from typing import Any, Final

import dagster as dg
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG

from ioc_analytics.resources.processes import NUMBER, START, process_start

ENDED: Final = "Its process ended without a word (killed, or the machine went down)."

_IN_WORK: Final = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_LOCAL: Final = ("localhost", "127.0.0.1")
_OWN_LAUNCHERS: Final = (DefaultRunLauncher, SyncInMemoryRunLauncher)
"""Those whose runs are processes of the code server, or the very process."""

_CELERY_TASK_TAG: Final = "dagster-celery/task_id"

_START_SECONDS: Final = 60
"""A run that began so recently may not have said yet which process or task it has."""

_ANSWER_SECONDS: Final = 5.0
"""How long Celery's workers may take to say what they are at; a task does not keep them from it."""


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark the runs whose process is gone as failed; return their ids."""
    dead = [
        record.dagster_run
        for record in instance.get_run_records(dg.RunsFilter(statuses=_IN_WORK))
        if _is_dead(instance, record)
    ]
    ended = []
    for run in dead:
        # It may have come to its end while we looked.
        newest = instance.get_run_by_id(run.run_id)
        if newest is not None and newest.status in _IN_WORK:
            instance.report_run_failed(newest, ENDED)
            ended.append(run.run_id)
    return ended


def _is_dead(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    run, launcher = record.dagster_run, instance.run_launcher
    if _CELERY_TASK_TAG in run.tags:
        return not _is_new(record) and _is_lost_by_celery(launcher, run.tags[_CELERY_TASK_TAG])
    if not isinstance(launcher, _OWN_LAUNCHERS):
        return False  # The process may be on any machine: its launcher looks after it.
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    if server.get("host", _LOCAL[0]) in _LOCAL:
        named = _named_process(instance, run.run_id)
        return not _is_new(record) if named is None else not _is_alive(*named)
    # A server denies a run that it was asked to end, also while the run still ends.
    is_ending = run.status == dg.DagsterRunStatus.CANCELING
    if is_ending or not isinstance(launcher, DefaultRunLauncher) or _is_new(record):
        return False
    return not _is_known_to_its_server(launcher, run.run_id)


def _is_new(record: dg.RunRecord) -> bool:
    # Of a run that has not begun yet, the clock was put back since.
    began = record.start_time or record.create_timestamp.timestamp()
    return 0 <= time.time() - began < _START_SECONDS


def _named_process(instance: dg.DagsterInstance, run_id: str) -> tuple[int, str | None] | None:
    """Return number and start of the process that a run named last; Dagster names no start."""
    last = None
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        data: Any = entry.dagster_event.event_specific_data if entry.dagster_event else None
        said = data.metadata if data is not None else {}
        if NUMBER not in said:
            continue
        number = int(said[NUMBER].value)
        if START in said:
            last = number, said[START].value
        elif last is None or last[0] != number:
            last = number, None
    return last


def _is_alive(number: int, start: str | None) -> bool:
    now = process_start(number)
    return now is not None and start in (None, now)


def _is_lost_by_celery(launcher: Any, task: str) -> bool:
    """Return whether no worker of Celery's is at a task: a lost machine leaves it as started."""
    try:
        # Nobody answers with None: then no worker is left.
        workers = launcher.celery.control.inspect(timeout=_ANSWER_SECONDS).active() or {}
    except Exception:  # noqa: BLE001 - the broker is away: nobody can tell
        return False
    return all(one["id"] != task for tasks in workers.values() for one in tasks)


def _is_known_to_its_server(launcher: DefaultRunLauncher, run_id: str) -> bool:
    from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
    from dagster._serdes import deserialize_value

    client = launcher._get_grpc_client_for_termination(run_id)  # type: ignore[no-untyped-call]
    if client is None:
        return True
    try:
        answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id))
    except Exception:  # noqa: BLE001 - whatever keeps the server from answering
        return False
    return deserialize_value(answer, CanCancelExecutionResult).can_cancel
