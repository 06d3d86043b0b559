"""Locks between processes of one machine that the kernel drops when their holder dies.

For: the embedded server's leases and its start. Not for: locks inside a database
(``database.locks``), which also hold between machines.

They are ``flock`` locks. They belong to the open file, which a forked child shares: so a lock is
given back by closing the file, never by unlocking it, or a child could unlock its parent's.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ioc_analytics.kernel.errors import ConfigurationError, Unavailable

_POLL_SECONDS = 0.02


def take_file_lock(path: Path, *, is_shared: bool, timeout_seconds: float) -> int:
    """Lock a file, making it if need be, and return the open file that holds the lock.

    Args:
        path: The file; its content does not matter.
        is_shared: Whether others may hold it in the same way at the same time.
        timeout_seconds: How long to wait for others; 0 tries once.

    Raises:
        Unavailable: Another process kept it for longer than the time-out.
        ConfigurationError: This account may not open the file.
    """
    kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
    deadline = time.monotonic() + timeout_seconds
    descriptor = _open(path)
    try:
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Unavailable(
                        f"another process has kept {path} locked for {timeout_seconds:g} s; "
                        "try again, or look for a process of this installation that hangs"
                    ) from None
                time.sleep(_POLL_SECONDS)
            else:
                return descriptor
    except BaseException:
        os.close(descriptor)
        raise


def is_locked(path: Path) -> bool:
    """Return whether some process holds the file's exclusive lock right now."""
    try:
        os.close(take_file_lock(path, is_shared=True, timeout_seconds=0))
    except Unavailable:
        return True
    return False


@contextmanager
def file_lock(path: Path, timeout_seconds: float) -> Iterator[None]:
    """Hold a file's exclusive lock for the length of a block.

    Raises:
        Unavailable: Another process kept it for longer than the time-out.
    """
    descriptor = take_file_lock(path, is_shared=False, timeout_seconds=timeout_seconds)
    try:
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as fault:
        raise ConfigurationError(
            f"{path} cannot be opened by this account ({fault.strerror}): it belongs to the "
            "account that made this home folder; use that one, or another ANALYTICS_HOME"
        ) from fault
