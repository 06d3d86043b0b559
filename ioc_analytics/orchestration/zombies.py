"""Runs whose process is gone: marked as failed, so that nothing waits for them.

For: the sensor ``dead_runs``. Not for: runs that take long, or that never started (Dagster's own
run monitoring ends those, by ``dagster.yaml``).

The code server reports a run process that dies. When it is killed together with its runs nobody
does, and a run of ``demo`` has no server at all: they would stay STARTED for ever, and what waits
for them (a file, a refresh) with them.
"""

import json
import time
from typing import Any, Final

import dagster as dg
import psutil
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG

ENDED: Final = "Its process ended without a word (killed, or the machine went down)."

_IN_WORK: Final = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_LOCAL: Final = ("localhost", "127.0.0.1")
_OWN_LAUNCHERS: Final = (DefaultRunLauncher, SyncInMemoryRunLauncher)
"""Those whose runs are processes of the code server, or the very process."""

_START_SECONDS: Final = 60
"""A run that began so recently may not have said yet which process it has."""


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
    run = record.dagster_run
    if time.time() - (record.start_time or record.create_timestamp.timestamp()) < _START_SECONDS:
        return False
    launcher = instance.run_launcher
    if not isinstance(launcher, _OWN_LAUNCHERS):
        return False  # The process may be on any machine: its launcher looks after it.
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    if server.get("host", _LOCAL[0]) in _LOCAL:
        return not _is_process_alive(instance, run.run_id)
    # A server denies a run that it was asked to end, also while the run still ends.
    is_ending = run.status == dg.DagsterRunStatus.CANCELING
    if is_ending or not isinstance(launcher, DefaultRunLauncher):
        return False
    return not _is_known_to_its_server(launcher, run.run_id)


def _is_process_alive(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Return whether the process that a run named last still is that process."""
    for entry in reversed(instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)):
        data: Any = entry.dagster_event.event_specific_data if entry.dagster_event else None
        number = data.metadata.get("pid") if data is not None else None
        if number is None:
            continue
        try:
            process = psutil.Process(int(number.value))
            # A number is given out again: a process that began later is another one.
            is_same = process.create_time() <= entry.timestamp + 1
            return is_same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True
    return False


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
