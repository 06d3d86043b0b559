"""Jobs that are noted in ``processing_jobs``: begun, ended, or lost together with their process.

For: verbs that change what is stored and may take long: ingest, retry, undo, refresh, rebuild,
seal. Not for: doing the work, or the ledgers of backups and retention.

A running job holds an advisory lock in a session of its own. The server drops the lock with the
session, whatever ended it, so that a job that runs without its lock has lost its process. Whoever
looks next notes that: the start of any job, ``status``, a measurement of health.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol

import psycopg

from ioc_analytics.database.pools import Database
from ioc_analytics.database.translation import translated_errors
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import AnalyticsError, IntegrityFailure

_LOCK_CLASS: Final = 0x10B5
"""First half of the locks of jobs; the second is the job's number. Other locks have one half."""


class Counted(Protocol):
    """What tells how many records a job dealt with."""

    @property
    def records_processed(self) -> int:
        """Records read."""

    @property
    def accepted(self) -> int:
        """Records stored."""

    @property
    def duplicates(self) -> int:
        """Records that were stored already."""

    @property
    def quarantined(self) -> int:
        """Records put aside."""


class Job:
    """A job that runs; made by :func:`noted_job`."""

    def __init__(self, database: Database, job_type: str, subject: str, run_id: str | None) -> None:
        self._database = database
        self._attempts = 1
        self._receipt: Counted | None = None
        with database.connection("ingest") as connection:
            end_lost_jobs(connection)
        self._session = database.connect("ingest")
        asked = {
            "job_type": job_type,
            "subject": subject,
            "run_id": run_id,
            "lock_class": _LOCK_CLASS,
        }
        try:
            with translated_errors():
                row = self._session.execute(sqlfiles.query("jobs/start_job"), asked).fetchone()
            if row is None:
                raise IntegrityFailure("the job was not recorded")
        except BaseException:
            self._session.close()
            raise
        self._id: int = row[0]

    @property
    def attempts(self) -> int:
        """Tries so far."""
        return self._attempts

    def count(self, receipt: Counted) -> None:
        """Note the records of a receipt."""
        self._receipt = receipt

    def begin_again(self) -> None:
        """Count another try, and hold the job again where its session was lost with the server."""
        self._attempts += 1
        held = {"id": self._id, "lock_class": _LOCK_CLASS}
        try:
            self._session.execute(sqlfiles.query("jobs/hold_job"), held)
        except psycopg.Error:
            self._session.close()
            # While the server is away the try fails too, and the next one comes here again.
            with suppress(AnalyticsError, psycopg.Error):
                self._session = self._database.connect("ingest")
                self._session.execute(sqlfiles.query("jobs/hold_job"), held)

    def end(self, error: str | None = None) -> None:
        """Note how the job ended, and give its lock back."""
        done = self._receipt
        parameters = {
            "id": self._id,
            "attempts": self._attempts,
            "status": "succeeded" if error is None else "failed",
            "error": error,
            "received": done.records_processed if done else None,
            "accepted": done.accepted if done else None,
            "duplicate": done.duplicates if done else None,
            "quarantined": done.quarantined if done else None,
        }
        # With the server away, whoever looks next notes that this one was interrupted.
        with suppress(AnalyticsError), self._database.connection("ingest") as connection:
            connection.execute(sqlfiles.query("jobs/end_job"), parameters)
        self._session.close()


@contextmanager
def noted_job(
    database: Database,
    job_type: str,
    subject: str,
    run_id: str | None = None,
    *,
    unsaid: str | None = None,
) -> Iterator[Job]:
    """Note a job for the length of a block, which fails with the block's error.

    Args:
        database: The database.
        job_type: ``ingest``, ``retry``, ``undo``, ``refresh``, ``rebuild`` or ``seal``.
        subject: What it works on: the name of a batch, months; nothing that identifies somebody.
        run_id: Dagster run that asks for it.
        unsaid: A file's name that identifies somebody: in the error, the subject stands for it.
    """
    job = Job(database, job_type, subject, run_id)
    try:
        yield job
    except AnalyticsError as error:
        said = str(error)
        job.end(said.replace(unsaid, subject) if unsaid else said)
        raise
    except BaseException as error:
        job.end(f"unexpected {type(error).__name__}")
        raise
    else:
        job.end()


def end_lost_jobs(connection: psycopg.Connection[Any]) -> None:
    """Note the jobs whose process ended before they did as failed."""
    connection.execute(sqlfiles.query("jobs/end_lost_jobs"), {"lock_class": _LOCK_CLASS})
