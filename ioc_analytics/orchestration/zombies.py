"""Runs whose process is gone: marked as failed, so that nothing waits for them.

For: the sensor ``dead_runs``. Not for: runs that take long, or that never started (Dagster's own
run monitoring ends those, by ``dagster.yaml``).

The code server reports a run process that dies. When it is killed together with its runs nobody
does, and a run of ``demo`` has no server at all: they would stay STARTED for ever, and what waits
for them (a file, a refresh) with them. Celery too leaves the task of a lost machine as started.
"""

import json
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

import dagster as dg
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster_postgres.run_storage import PostgresRunStorage
from sqlalchemy.engine import make_url

from ioc_analytics.resources.processes import MACHINE, NUMBER, START, process_start

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

_DOUBT_SECONDS: Final = 60
"""How long workers must deny a task: one that is slow to answer may be at it all the same."""


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark the runs whose process is gone as failed, without those of Celery; return their ids."""
    records = instance.get_run_records(dg.RunsFilter(statuses=_IN_WORK))
    return _end(instance, [one.dagster_run for one in records if _is_dead(instance, one)])


def end_lost_tasks(
    instance: dg.DagsterInstance, missed: Mapping[str, float]
) -> tuple[list[str], dict[str, float]]:
    """Mark the runs that Celery's workers deny, now and at an earlier look, as failed.

    Args:
        instance: The instance.
        missed: Runs that the look before did not find, with the time when they were missed first.

    Returns:
        The ids of the ended runs, and those that are missed now, for the next look.
    """
    begun = [
        one.dagster_run
        for one in instance.get_run_records(dg.RunsFilter(statuses=_IN_WORK))
        if _CELERY_TASK_TAG in one.dagster_run.tags and not _is_new(one)
    ]
    tasks = _tasks_of_celery(instance.run_launcher) if begun else None
    if tasks is None:
        return [], {}
    now = time.time()
    lost = [run for run in begun if run.tags[_CELERY_TASK_TAG] not in tasks]
    since = {run.run_id: missed.get(run.run_id, now) for run in lost}
    ended = _end(instance, [run for run in lost if now - since[run.run_id] >= _DOUBT_SECONDS])
    return ended, {run: first for run, first in since.items() if run not in ended}


def _end(instance: dg.DagsterInstance, dead: list[dg.DagsterRun]) -> list[str]:
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
    if _CELERY_TASK_TAG in run.tags or not isinstance(launcher, _OWN_LAUNCHERS):
        return False  # The process may be on any machine: its launcher looks after it.
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    if server.get("host", _LOCAL[0]) in _LOCAL:
        number, start, machine = _named_process(instance, run.run_id)
        # Another machine that shares the storage has numbers of its own, and looks after them.
        if machine != socket.gethostname() and (machine or _is_shared(instance)):
            return False
        return not _is_new(record) if number is None else not _is_alive(number, start)
    # A server denies a run that it was asked to end, also while the run still ends.
    is_ending = run.status == dg.DagsterRunStatus.CANCELING
    if is_ending or not isinstance(launcher, DefaultRunLauncher) or _is_new(record):
        return False
    return not _is_known_to_its_server(launcher, run.run_id)


def _is_shared(instance: dg.DagsterInstance) -> bool:
    """Return whether other machines may keep runs here: PostgreSQL that is no socket of ours."""
    storage = instance.run_storage
    if not isinstance(storage, PostgresRunStorage):
        return False
    address = make_url(storage.postgres_url)
    host = address.host or str(address.query.get("host", "/"))
    return not host.startswith("/")


def _is_new(record: dg.RunRecord) -> bool:
    # Of a run that has not begun yet, the clock was put back since.
    began = record.start_time or record.create_timestamp.timestamp()
    return 0 <= time.time() - began < _START_SECONDS


def _named_process(
    instance: dg.DagsterInstance, run_id: str
) -> tuple[int | None, str | None, str | None]:
    """Return number, start and machine of the process that a run named last.

    Dagster itself names the number alone.
    """
    number: int | None = None
    start: str | None = None
    machine: str | None = None
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        data: Any = entry.dagster_event.event_specific_data if entry.dagster_event else None
        said = data.metadata if data is not None else {}
        if NUMBER not in said:
            continue
        if START in said or int(said[NUMBER].value) != number:
            start = said[START].value if START in said else None
        # A run stays on its machine, also in the processes of its steps.
        machine = said[MACHINE].value if MACHINE in said else machine
        number = int(said[NUMBER].value)
    return number, start, machine


def _is_alive(number: int, start: str | None) -> bool:
    now = process_start(number)
    return now is not None and start in (None, now)


def _tasks_of_celery(launcher: Any) -> set[str] | None:
    """Return the tasks that Celery's workers are at; None when nobody answers: nobody can tell."""
    try:
        workers = launcher.celery.control.inspect(timeout=_ANSWER_SECONDS).active()
    except Exception:  # noqa: BLE001 - the broker is away
        return None
    return {one["id"] for tasks in workers.values() for one in tasks} if workers else None


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
