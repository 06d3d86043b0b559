"""Answers are held in runs and sorted on their way out: none is lost, none changes."""

from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.ingestion import runs
from ioc_analytics_tests.fixtures.batches import (
    ITEMS,
    answers,
    assessment,
    content_rows,
    response,
    write_batch,
)

PEOPLE = ("late", "early", "middle")
STARTS = {"late": "2024-05-01", "early": "2024-03-01", "middle": "2024-04-01"}


@pytest.mark.parametrize("order", ["by_response", "by_question"])
@pytest.mark.parametrize("times", ["none", "some"])
def test_runs_and_blocks_of_any_size_store_the_same(
    analytics: AnalyticsSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    order: str,
    times: str,
) -> None:
    given = [
        {**answer, **({"time_spent_ms": 1000 + place} if times == "some" and place > 60 else {})}
        for place, answer in enumerate(a for name in PEOPLE for a in answers(name, len(name)))
    ]
    if order == "by_question":
        given.sort(key=lambda answer: ITEMS.index(answer["question_id"]))
    batch = write_batch(
        tmp_path / "batch",
        {
            "assessments": [assessment()],
            "responses": [response(n, started_at=f"{STARTS[n]}T10:00:00Z") for n in PEOPLE],
            "question_responses": given,
        },
    )
    receipt = analytics.ingest_files(batch)
    assert receipt.by_kind["question_responses"].accepted == 150
    whole = content_rows(analytics)
    assert receipt.batch_id is not None
    analytics.undo_batch(receipt.batch_id)

    monkeypatch.setattr(runs, "_RUN_ANSWERS", 41)
    monkeypatch.setattr(runs, "_BLOCK", 7)
    analytics.ingest_files(batch)
    assert content_rows(analytics) == whole
    with analytics.database.connection("ingest") as connection:
        stored = connection.execute(
            "SELECT q.code, a.value, a.time_spent_ms, a.created_at::date::text"
            " FROM analytics.anonymized_question_responses AS a"
            " INNER JOIN internal.questions AS q ON q.question_id = a.question_id"
        ).fetchall()
    expected = [
        (a["question_id"], a["value"], a.get("time_spent_ms"), STARTS[a["response_id"]])
        for a in given
    ]
    assert sorted(stored, key=str) == sorted(expected, key=str)
