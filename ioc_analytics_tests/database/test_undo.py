"""Undoing a batch: it leaves no trace, says who lost rows, and can be taken in again."""

from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics_tests.fixtures.batches import (
    Records,
    answers,
    assessment,
    content_rows,
    count,
    response,
    scores,
    validation,
    write_batch,
)

PARENTS: Records = {"assessments": [assessment()], "responses": [response("r"), response("s")]}
WHOLE: Records = {**PARENTS, "question_responses": [*answers("r"), *answers("s", 1)]}
NEWER: Records = {
    "responses": [response("r", gender="male", updated_at="2024-05-01T00:00:00Z")],
    "question_responses": answers("r", 3),
}

SEQUENCES: dict[str, tuple[Records, Records]] = {
    "a batch that replaced another": (WHOLE, NEWER),
    "a version without children": (WHOLE, {"responses": NEWER["responses"]}),
    "children of another batch": (PARENTS, {"question_responses": answers("r")}),
    "delivered scores": (WHOLE, {"scores": scores("r", 70.0)}),
    "newer answers after delivered scores": ({**PARENTS, "scores": scores("r", 70.0)}, NEWER),
    "validations": (WHOLE, {"ai_validations": [validation("r")]}),
    "further answers": (
        {**PARENTS, "question_responses": answers("r")[:30]},
        {"question_responses": answers("r")},
    ),
    "careless answers": (
        PARENTS,
        {"question_responses": [{**row, "value": 3} for row in answers("r")]},
    ),
    "a parent that orphans waited for": (
        {"responses": PARENTS["responses"], "question_responses": answers("r")},
        {"assessments": [assessment()]},
    ),
    "duplicates of another batch": (WHOLE, {**WHOLE, "ai_validations": [validation("r")]}),
    "a corrected assessment": (
        WHOLE,
        {"assessments": [assessment(country="FI", updated_at="2024-03-01T00:00:00Z")]},
    ),
    "a moved response": (
        WHOLE,
        {
            "responses": [
                response("r", started_at="2024-08-01T00:00:00Z", updated_at="2024-08-02T00:00:00Z")
            ]
        },
    ),
}


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_what_was_undone_comes_back_with_its_file(
    analytics: AnalyticsSystem, tmp_path: Path, sequence: str
) -> None:
    first, second = (
        write_batch(tmp_path / name, records)
        for name, records in zip(("first", "second"), SEQUENCES[sequence], strict=True)
    )
    analytics.ingest_files(first)
    without = content_rows(analytics)
    batch = analytics.ingest_files(second).batch_id
    assert batch is not None
    with_both = content_rows(analytics)
    analytics.undo_batch(batch)
    # Only what the second had replaced may be missing, and the first brings it back.
    analytics.ingest_files(first)
    assert content_rows(analytics) == without
    assert not analytics.ingest_files(second).is_duplicate
    assert content_rows(analytics) == with_both


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_undoing_the_earlier_batch_and_taking_both_in_again_converges(
    analytics: AnalyticsSystem, tmp_path: Path, sequence: str
) -> None:
    first, second = (
        write_batch(tmp_path / name, records)
        for name, records in zip(("first", "second"), SEQUENCES[sequence], strict=True)
    )
    batch = analytics.ingest_files(first).batch_id
    assert batch is not None
    analytics.ingest_files(second)
    with_both = content_rows(analytics)
    receipt = analytics.undo_batch(batch)
    assert receipt.batch_id == batch
    analytics.ingest_files(first)
    analytics.ingest_files(second)
    assert content_rows(analytics) == with_both


def test_undoing_the_only_batch_leaves_nothing(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    receipt = analytics.ingest_files(write_batch(tmp_path / "batch", WHOLE))
    assert receipt.batch_id is not None
    undone = analytics.undo_batch(receipt.batch_id)
    assert undone.removed == {
        "responses": 2,
        "answers": 100,
        "scores": 10,
        "validations": 0,
        "assessments": 1,
    }
    assert undone.touched_days == receipt.touched_days
    assert undone.incomplete_batches == ()
    assert content_rows(analytics) == []
    with pytest.raises(InvalidInput, match="undone already"):
        analytics.undo_batch(receipt.batch_id)
    with pytest.raises(InvalidInput, match="not in the ledger"):
        analytics.undo_batch(999)


def test_undoing_orphans_takes_out_what_another_batch_had_settled(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    orphans = analytics.ingest_files(
        write_batch(tmp_path / "orphans", {"question_responses": answers("r")})
    )
    parents = analytics.ingest_files(write_batch(tmp_path / "parents", PARENTS))
    assert parents.settled == 50
    assert orphans.batch_id is not None
    undone = analytics.undo_batch(orphans.batch_id)
    assert undone.removed["answers"] == 50
    assert undone.incomplete_batches == (parents.batch_id,)
    assert count(analytics, "analytics.anonymized_assessment_scores") == 0
    assert count(analytics, "analytics.anonymized_assessment_responses") == 2


def test_undoing_a_parent_lets_its_orphans_wait_again(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    analytics.ingest_files(write_batch(tmp_path / "orphans", {"question_responses": answers("r")}))
    parents = analytics.ingest_files(write_batch(tmp_path / "parents", PARENTS))
    assert parents.batch_id is not None
    analytics.undo_batch(parents.batch_id)
    assert content_rows(analytics) == []
    assert len(analytics.list_quarantine()) == 50
