"""The small process that runs the embedded server for as long as somebody needs it.

For: ``database.embedded``, which starts this file as a script of its own. Not for: importing.
It uses the standard library only, so that it starts in some 20 ms and stays small.

It is the parent of the server and waits, without polling, for whichever comes first: the server
ends, or the exclusive lock of the lease file is granted, which the kernel does once the last
process that held a lease has closed it or died. Then it stops the server and ends itself. Should
this process be killed, Linux stops the server (parent-death signal); elsewhere the next start does.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_FAST_STOP_SECONDS = 60
_CRASH_STOP_SECONDS = 20
_PRUNE_SECONDS = 600
_KEPT_LOGS = 10


class _ServerEnded(Exception):
    pass


def main(plan: dict[str, Any]) -> None:
    """Run the server that the plan describes until no lease is held any longer.

    The keys of the plan are ``command``, ``user`` and ``group`` (or null), ``environment``,
    ``lease_file``, ``keeper_file``, ``console_file`` and ``log_folder``.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # the starter's thread may have blocked some
    # A shell lets its background jobs ignore SIGINT, and the server would inherit that: asked to
    # stop before it has its own handler, it would not hear it.
    for kind in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_DFL)
    own_lock = os.open(plan["keeper_file"], os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(own_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if os.fork() != 0:
        # The starter waits for this half, so it knows that the lock is held; the other half
        # belongs to the machine's first process and leaves no dead child in the starter.
        os._exit(0)
    os.setsid()
    leases = os.open(plan["lease_file"], os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _keep(plan, leases)
    finally:
        # In this order: whoever gets a lease next must already see that no keeper is left.
        os.close(own_lock)
        os.close(leases)


def _keep(plan: dict[str, Any], leases: int) -> None:
    server = _start(plan)

    def look_at_server(_signal: int, _frame: object) -> None:
        if server.poll() is not None:
            raise _ServerEnded

    try:
        signal.signal(signal.SIGCHLD, look_at_server)
        signal.signal(signal.SIGALRM, lambda *_: _prune(Path(plan["log_folder"])))
        signal.setitimer(signal.ITIMER_REAL, 1, _PRUNE_SECONDS)
        if server.poll() is None:
            fcntl.flock(leases, fcntl.LOCK_EX)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except _ServerEnded:
        return
    _stop(server)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _start(plan: dict[str, Any]) -> "subprocess.Popen[bytes]":
    keeper = os.getpid()
    prctl = _process_control()
    if prctl is not None:
        # The server's log process outlives it by a moment; it becomes ours and is awaited.
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def tie_to_keeper() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(1)

    console = os.open(plan["console_file"], os.O_WRONLY | os.O_APPEND)
    as_account = (
        {"user": plan["user"], "group": plan["group"], "extra_groups": []}
        if plan["user"] is not None
        else {}
    )
    try:
        return subprocess.Popen(
            plan["command"],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=plan["environment"],
            cwd="/",
            umask=0o077,
            start_new_session=True,
            preexec_fn=tie_to_keeper,
            **as_account,
        )
    except OSError as fault:
        os.write(console, f"{plan['command'][0]} cannot be run: {fault}\n".encode())
        raise
    finally:
        os.close(console)


def _process_control() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return ctypes.CDLL(None).prctl


def _stop(server: "subprocess.Popen[bytes]") -> None:
    for kind, seconds in (
        (signal.SIGINT, _FAST_STOP_SECONDS),
        (signal.SIGQUIT, _CRASH_STOP_SECONDS),
        (signal.SIGKILL, None),
    ):
        server.send_signal(kind)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def _prune(folder: Path) -> None:
    # The server starts a new file every 10 MB; without this nothing would remove the old ones.
    with contextlib.suppress(OSError):
        for old in sorted(folder.glob("server-*.log"))[:-_KEPT_LOGS]:
            old.unlink()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
