"""Connections of a publication, and what happens when the server goes away in its middle.

For: ``resources.PostgresIOManager``. Not for: the platform's own pools (``database.pools``).

A transient error is tried again for a while; any other one ends the publication at once. When the
connection is lost while a transaction commits, nobody knows whether it did; the server is asked
(``pg_xact_status``), so that rows are never appended twice.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, TypeVar

import psycopg

from ioc_analytics.database.publishing.encoding import is_repeatable
from ioc_analytics.database.publishing.publish import Published, Target, publish
from ioc_analytics.database.publishing.slices import Slice
from ioc_analytics.database.publishing.tables import Connection
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel.errors import IntegrityFailure, Unavailable

Connect = Callable[[], AbstractContextManager[Connection]]
"""Lends a connection: commit at the end of the block, roll back on an error."""

T = TypeVar("T")

_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Server:
    """A database by its address, with a budget of connections for this process.

    Example:
        >>> server = Server("postgresql:///mine", max_connections=2)
        >>> with server.connection() as connection:  # doctest: +SKIP
        ...     connection.execute("SELECT 1")
    """

    def __init__(
        self, url: str, *, max_connections: int = 4, statement_timeout_seconds: int = 600
    ) -> None:
        """Keep the address; nothing is opened before the first use."""
        self._url = url
        self._timeout_seconds = statement_timeout_seconds
        self._max_connections = max_connections
        self._budget = threading.BoundedSemaphore(max_connections)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection: commit at the end of the block, roll back on an error.

        Raises:
            ConfigurationError: The server refuses the login.
            Unavailable: The server cannot be reached, or all connections are in use.
        """
        if not self._budget.acquire(timeout=self._timeout_seconds):
            raise Unavailable(
                f"all {self._max_connections} connections were in use for "
                f"{self._timeout_seconds} s; try again, or raise max_connections"
            )
        try:
            options = f"-c TimeZone=UTC -c jit=off -c statement_timeout={self._timeout_seconds}s"
            with (
                translated_errors(self._timeout_seconds),
                psycopg.connect(
                    self._url,
                    options=options,
                    application_name="ioc-analytics publish",
                    connect_timeout=10,
                ) as connection,
            ):
                yield connection
        finally:
            self._budget.release()


def patiently(work: Callable[[], T], patience_seconds: float) -> T:
    """Do something again while its errors are transient, for as long as patience lasts.

    Raises:
        AnalyticsError: The last error.
    """
    deadline = time.monotonic() + patience_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return work()
        except Unavailable:
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def publish_patiently(
    connect: Connect,
    data: Any,
    target: Target,
    piece: Slice | None = None,
    patience_seconds: float = 30,
) -> Published:
    """Publish in a transaction of its own, again while the server is away, once in all.

    A stream of batches cannot be read again and is tried once.

    Raises:
        IntegrityFailure: Rows were appended or not: the server did not come back to tell.
        AnalyticsError: As ``publish``.
    """
    publication = _Publication(connect, data, target, piece)

    def attempt() -> Published:
        try:
            return publication.write()
        except Unavailable:
            settled = publication.settle(patience_seconds)
            if settled is None:
                raise
            return settled

    return patiently(attempt, patience_seconds if is_repeatable(data) else 0)


class _Publication:
    """One publication, and the transaction that may hold it already."""

    def __init__(self, connect: Connect, data: Any, target: Target, piece: Slice | None) -> None:
        self._connect, self._data, self._target, self._piece = connect, data, target, piece
        self._committing: tuple[str, Published] | None = None

    def write(self) -> Published:
        self._committing = None
        with self._connect() as connection:
            published = publish(connection, self._data, self._target, self._piece)
            ((transaction,),) = connection.execute("SELECT pg_current_xact_id()::text").fetchall()
            self._committing = transaction, published
        return published

    def settle(self, patience_seconds: float) -> Published | None:
        """Return what was published although the connection was lost, or None if nothing was."""
        if self._committing is None:
            return None
        transaction, published = self._committing
        try:
            is_there = patiently(lambda: self._is_committed(transaction), patience_seconds)
        except Unavailable as fault:
            if self._target.mode != "append":  # the others may be run twice
                raise
            raise IntegrityFailure(
                f"the connection was lost while rows were added to {self._target.name}, and the "
                "server did not come back to tell whether they are there: look before running "
                "this again"
            ) from fault
        return published if is_there else None

    def _is_committed(self, transaction: str) -> bool:
        with self._connect() as connection:
            row = connection.execute("SELECT pg_xact_status(%s::xid8)", [transaction]).fetchone()
        status = row[0] if row else None
        if status not in ("committed", "aborted"):
            raise Unavailable(f"the transaction of {self._target.name} is still {status}")
        return bool(status == "committed")
