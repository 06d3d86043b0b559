"""``processing_jobs``: what is noted of a job, and how one that lost its process is found."""

import signal
import threading
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ioc_analytics import AnalyticsSystem, AnonymizationPipeline
from ioc_analytics.database.jobs import noted_job
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput, PrivacyRefusal
from ioc_analytics.kernel.settings_values import LoginRole
from ioc_analytics_tests.fixtures.batches import (
    Records,
    answers,
    assessment,
    count,
    response,
    write_batch,
)
from ioc_analytics_tests.fixtures.loaders import start_loader
from ioc_analytics_tests.fixtures.processes import wait_until

WHOLE: Records = {
    "assessments": [assessment()],
    "responses": [response("r"), response("s")],
    "question_responses": answers("r") + answers("s"),
}
OTHER: Records = {"assessments": [assessment("z")], "responses": [response("t", assessment_id="z")]}
BEFORE: Records = {
    "assessments": [assessment("y")],
    "responses": [response("q", assessment_id="y")],
}
LOST = "the process ended before the job did"


def jobs(analytics: AnalyticsSystem, columns: str) -> list[tuple[object, ...]]:
    with analytics.database.connection("analyst") as connection:
        statement = f"SELECT {columns} FROM analytics.processing_jobs ORDER BY id"
        return connection.execute(statement.encode()).fetchall()


def test_every_verb_that_works_on_rows_notes_its_job(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    receipt = analytics.ingest_files(write_batch(tmp_path / "whole", WHOLE))
    orphans = {"question_responses": answers("nobody")[:2]}
    analytics.ingest_files(write_batch(tmp_path / "orphans", orphans))
    analytics.retry_quarantine()
    analytics.refresh(with_views=False)
    analytics.rebuild([date(2003, 1, 5)], with_views=False)
    analytics.rebuild_days([date(2003, 1, 5)], with_views=False)
    assert receipt.batch_id is not None
    undone = analytics.undo_batch(receipt.batch_id)
    assert undone.records_processed == undone.accepted == sum(undone.removed.values())
    noted = jobs(
        analytics,
        "job_type, subject, status, records_received, records_accepted, records_quarantined, error",
    )
    number = receipt.accepted
    assert [row[:1] + row[2:] for row in noted] == [
        ("ingest", "succeeded", number, number, 0, None),
        ("ingest", "succeeded", 2, 0, 2, None),
        ("retry", "succeeded", 0, 0, 0, None),
        ("refresh", "succeeded", None, None, None, None),
        ("rebuild", "succeeded", None, None, None, None),
        ("rebuild", "succeeded", None, None, None, None),
        ("undo", "succeeded", undone.accepted, undone.accepted, 0, None),
    ]
    assert [row[1] for row in noted[2:]] == [
        "quarantine",
        "all months",
        "1 months, 2003-01-01 to 2003-01-01",
        "1 days, 2003-01-05 to 2003-01-05",
        f"batch {receipt.batch_id}",
    ]


def test_what_is_refused_on_opening_is_a_failed_job(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    for name in ("wrong.csv", "ada@example.org.csv"):
        (tmp_path / name).write_text("a,b\n1,2\n")
        with pytest.raises(InvalidInput, match=name):
            analytics.ingest_files(tmp_path / name)
    plain = {
        kind: table.to_pylist()
        for kind, table in AnonymizationPipeline(analytics.config).process_data(WHOLE).items()
    }
    plain["assessments"][0]["assessment_type"] = "ada@example.org"
    with pytest.raises(PrivacyRefusal):
        analytics.ingest_data(plain)
    with pytest.raises(InvalidInput):
        analytics.retry_quarantine(source=tmp_path / "wrong.csv")
    with pytest.raises(InvalidInput):
        analytics.undo_batch(99)
    noted = jobs(analytics, "job_type, subject, status, error")
    assert [row[:3] for row in noted] == [
        ("ingest", "wrong.csv", "failed"),
        ("ingest", "<an e-mail address>", "failed"),
        ("ingest", "frames", "failed"),
        ("retry", "wrong.csv", "failed"),
        ("undo", "batch 99", "failed"),
    ]
    assert "neither its name" in str(noted[1][3])
    assert "ada@example" not in str(noted)


def test_two_loads_of_one_name_at_once_do_not_end_each_other(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    inside, may_go_on = threading.Event(), threading.Event()

    def pause(name: str, judged: int, share: float) -> None:
        inside.set()
        assert may_go_on.wait(60)

    # Makes the partition, for which the second load would wait otherwise.
    analytics.ingest_files(write_batch(tmp_path / "before", BEFORE))
    first = write_batch(tmp_path / "one" / "batch", WHOLE)
    second = write_batch(tmp_path / "two" / "batch", OTHER)
    with AnalyticsSystem(analytics.config) as slow:
        thread = threading.Thread(
            target=slow.ingest_files, args=[first], kwargs={"progress": pause}
        )
        thread.start()
        assert inside.wait(60)
        try:
            analytics.ingest_files(second)
            analytics.get_system_status()
            analytics.measure_health()
            meanwhile = jobs(analytics, "subject, status, error")
        finally:
            may_go_on.set()
            thread.join()
    assert meanwhile[1:] == [("batch", "running", None), ("batch", "succeeded", None)]
    assert jobs(analytics, "status, error") == [("succeeded", None)] * 3


def test_a_killed_job_is_noted_although_it_never_runs_again(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    # Killed inside the batch's transaction.
    loader = start_loader(analytics.config, write_batch(tmp_path / "batch", WHOLE), deadly=20)
    loader.communicate(timeout=120)
    assert loader.returncode == -signal.SIGKILL
    assert count(analytics, "analytics.processing_jobs", "status = 'running'") == 1

    def is_noted() -> bool:
        [job] = analytics.get_system_status().jobs
        return (job.status, job.error) == ("failed", LOST)

    # The server notices a moment later that its client is gone.
    wait_until(is_noted)


@pytest.mark.parametrize("look", ["get_system_status", "measure_health", "retry_quarantine"])
def test_whoever_looks_notes_a_lost_job(analytics: AnalyticsSystem, look: str) -> None:
    with analytics.database.connection("ingest") as connection:
        connection.execute(
            "INSERT INTO analytics.processing_jobs (job_type, status) VALUES ('ingest', 'running')"
        )
    getattr(analytics, look)()
    assert jobs(analytics, "status, error")[0] == ("failed", LOST)


def test_a_job_that_cannot_be_noted_says_so_and_holds_no_session(
    analytics: AnalyticsSystem,
) -> None:
    with analytics.database.connection("owner") as connection:
        connection.execute("DROP FUNCTION IF EXISTS internal.refuse_job CASCADE")
        connection.execute(
            "CREATE FUNCTION internal.refuse_job() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RAISE check_violation; END'"
        )
        connection.execute(
            "CREATE TRIGGER refuse_job BEFORE INSERT ON analytics.processing_jobs"
            " FOR EACH ROW EXECUTE FUNCTION internal.refuse_job()"
        )
    sessions: list[psycopg.Connection[Any]] = []
    connect = analytics.database.connect

    def kept(role: LoginRole) -> psycopg.Connection[Any]:
        sessions.append(connect(role))
        return sessions[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analytics.database, "connect", kept)
        with pytest.raises(IntegrityFailure), noted_job(analytics.database, "refresh", "months"):
            pytest.fail("no job began")
    (session,) = sessions
    assert session.closed
