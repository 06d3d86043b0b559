"""Which process a run has, in words that no clock changes: its number, its start, the boot.

For: ``AnalyticsResource``, which names the process of its run, and the watch over runs. Not for:
ending runs (``orchestration.zombies``).

A number is given out again. The start tells two processes of one number apart, and the kernel
counts it in ticks since the boot: a moment reckoned from it moves whenever the clock is set.
"""

import os
import socket
from pathlib import Path
from typing import Final

import dagster as dg
import psutil
from dagster._core.events import EngineEventData

NUMBER: Final = "pid"
START: Final = "process_start"
MACHINE: Final = "machine"
"""Names of what an event of a run says about its process; Dagster's own events know the number."""

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_STATE, _START = 0, 19
"""Where both stand in ``/proc/PID/stat`` behind the name of the program."""


def process_start(number: int) -> str | None:
    """Return what tells the process of a number from others of it; None when it has ended."""
    try:
        if not _BOOT.is_file():
            # Elsewhere the kernel keeps the moment itself, as it was when the process began.
            process = psutil.Process(number)
            has_ended = process.status() == psutil.STATUS_ZOMBIE
            return None if has_ended else str(process.create_time())
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        return None
    # The program may be named after anything, with blanks and brackets.
    words = text.rpartition(")")[2].split()
    if words[_STATE] in "ZX":
        return None
    return f"{_BOOT.read_text(encoding='ascii').strip()}:{words[_START]}"


def name_process(context: dg.InitResourceContext) -> None:
    """Let a run say which process it has; nothing outside runs."""
    if context.run is None or context.instance is None:
        return
    number = os.getpid()
    context.instance.report_engine_event(
        f"This run has the process {number}.",
        context.run,
        EngineEventData(
            {
                NUMBER: str(number),
                START: process_start(number) or "",
                MACHINE: socket.gethostname(),
            }
        ),
    )
