"""Advisory locks by name: one process at a time, on any machine that uses the same database.

For: migrations, rebuilds, whatever must not run twice at once. Not for: the embedded server's
start (``database.filelocks``: there is no server yet to hold a lock).

PostgreSQL's advisory locks have numbers. A name's number is made here and not by the server's
``hashtext``, whose values may change between major versions.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ioc_analytics.kernel.errors import Unavailable

Connection = psycopg.Connection[Any]


def lock_number(name: str) -> int:
    """Return the number of a lock: a signed 64-bit integer, the same on every machine.

    Example:
        >>> lock_number("migrations")
        -2843046076636468152
    """
    digest = hashlib.sha256(f"ioc-analytics:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextmanager
def advisory_lock(
    connection: Connection, name: str, *, shared: bool = False, wait: bool = True
) -> Iterator[None]:
    """Hold a lock for the length of a block, across the transactions inside it.

    Args:
        connection: The session that holds it; the server drops it when the session ends.
        name: What is locked, such as ``"migrations"``.
        shared: Whether others may hold it shared at the same time.
        wait: Whether to wait for others, as long as the statement timeout allows.

    Raises:
        Unavailable: ``wait`` is False and another session holds it.
    """
    number = lock_number(name)
    suffix = "_shared" if shared else ""
    if wait:
        connection.execute(f"SELECT pg_advisory_lock{suffix}(%s)", [number])
    else:
        row = connection.execute(f"SELECT pg_try_advisory_lock{suffix}(%s)", [number]).fetchone()
        if not (row and row[0]):
            raise Unavailable(f"another process is at work on {name!r}; try again when it is done")
    try:
        yield
    finally:
        _unlock(connection, f"SELECT pg_advisory_unlock{suffix}(%s)", number)


def transaction_lock(connection: Connection, name: str, *, shared: bool = False) -> None:
    """Take a lock that the end of the current transaction gives back; waits for others."""
    suffix = "_shared" if shared else ""
    connection.execute(f"SELECT pg_advisory_xact_lock{suffix}(%s)", [lock_number(name)])


def _unlock(connection: Connection, statement: str, number: int) -> None:
    status = connection.info.transaction_status
    if connection.closed or status == psycopg.pq.TransactionStatus.ACTIVE:
        return  # the session is lost or about to be: its locks go with it
    if status == psycopg.pq.TransactionStatus.INERROR:
        # The transaction has failed already; nothing in it can be saved, the lock can.
        connection.rollback()
    connection.execute(statement, [number])
