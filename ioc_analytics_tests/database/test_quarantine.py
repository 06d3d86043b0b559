"""Records put aside: seen, judged again when their parent comes, and accounted for."""

from pathlib import Path
from typing import Any

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.receipts import IngestReceipt
from ioc_analytics_tests.fixtures.batches import (
    ITEMS,
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


class Inbox:
    """Takes records into a system as batches of files."""

    def __init__(self, analytics: AnalyticsSystem, folder: Path) -> None:
        self._analytics = analytics
        self._folder = folder
        self._number = 0

    def take(self, records: Records, **options: Any) -> IngestReceipt:
        self._number += 1
        folder = write_batch(self._folder / f"batch{self._number}", records)
        return self._analytics.ingest_files(folder, **options)


@pytest.fixture
def inbox(analytics: AnalyticsSystem, tmp_path: Path) -> Inbox:
    return Inbox(analytics, tmp_path)


CHILDREN: Records = {
    "question_responses": answers("r"),
    "scores": scores("r"),
    "ai_validations": [validation("r")],
}


def test_children_are_settled_when_their_response_comes(
    analytics: AnalyticsSystem, inbox: Inbox
) -> None:
    waiting = inbox.take(CHILDREN)
    assert waiting.quarantine == {"orphan": 56}
    inbox.take({"assessments": [assessment()]})
    receipt = inbox.take({"responses": [response("r")]})
    assert receipt.settled == 56
    assert receipt.accepted == 1
    assert analytics.list_quarantine() == []
    assert len(analytics.list_quarantine(status="settled")) == 56
    assert count(analytics, "analytics.anonymized_question_responses") == 50
    assert count(analytics, "analytics.anonymized_assessment_scores") == 5
    assert count(analytics, "internal.ai_validations") == 1
    assert count(analytics, "internal.answer_vectors") == 1


@pytest.mark.parametrize("together", [True, False])
def test_responses_and_their_children_wait_for_an_assessment(
    analytics: AnalyticsSystem, inbox: Inbox, together: bool
) -> None:
    if together:
        inbox.take({"responses": [response("r")], **CHILDREN})
    else:
        inbox.take(CHILDREN)
        inbox.take({"responses": [response("r")]})
    receipt = inbox.take({"assessments": [assessment()]})
    assert receipt.settled == 57
    assert [str(day) for day in receipt.touched_days] == ["2024-03-05"]
    assert count(analytics, "analytics.anonymized_question_responses") == 50
    assert count(analytics, "internal.ai_validations") == 1


@pytest.mark.parametrize("newer_first", [True, False])
def test_waiting_versions_keep_their_own_children(
    analytics: AnalyticsSystem, inbox: Inbox, newer_first: bool
) -> None:
    older: Records = {"responses": [response("r")], "question_responses": answers("r", 1)}
    newer: Records = {
        "responses": [response("r", gender="male", updated_at="2024-05-01T00:00:00Z")],
        "question_responses": answers("r", 2),
    }
    for records in (newer, older) if newer_first else (older, newer):
        inbox.take(records)
    assert inbox.take({"assessments": [assessment()]}).settled == 102
    stored = content_rows(analytics)
    inbox.take({**newer, "assessments": [assessment()]}, replace=True)
    assert content_rows(analytics) == stored


def test_children_of_a_response_that_waits_do_not_go_to_its_older_version(
    analytics: AnalyticsSystem, inbox: Inbox
) -> None:
    inbox.take(
        {
            "assessments": [assessment()],
            "responses": [response("r")],
            "question_responses": answers("r", 1),
        }
    )
    newer = response("r", assessment_id="b", updated_at="2024-05-01T00:00:00Z")
    receipt = inbox.take({"responses": [newer], "question_responses": answers("r", 2)})
    assert receipt.quarantine == {"orphan": 51}
    # Something else about the response must not wake its waiting children up.
    assert inbox.take({"ai_validations": [validation("r")]}).settled == 0
    assert inbox.take({"assessments": [assessment("b")]}).settled == 51
    assert count(analytics, "analytics.anonymized_question_responses") == 50
    assert analytics.list_quarantine() == []


def test_entries_tell_where_they_come_from_and_hold_no_identifier(
    analytics: AnalyticsSystem, inbox: Inbox
) -> None:
    inbox.take(
        {
            "assessments": [assessment()],
            "responses": [
                response("r"),
                response("ada@example.org", started_at="gone with ada@example.org"),
            ],
            "question_responses": [{"response_id": "r", "question_id": "E1", "value": 7}],
        }
    )
    range_entry, date_entry = analytics.list_quarantine()
    assert (range_entry.rule, range_entry.column_name, range_entry.value, range_entry.line) == (
        "value_out_of_range",
        "value",
        "7",
        1,
    )
    assert date_entry.file == "responses.jsonl"
    assert (date_entry.rule, date_entry.column_name, date_entry.line) == (
        "not_a_date",
        "started_at",
        2,
    )
    shown = analytics.show_quarantine(date_entry.id)
    assert "ada" not in str(shown.to_dict())
    assert shown.record is not None
    assert shown.record["gender"] == "female"
    assert analytics.list_quarantine(rule="not_a_date") == [date_entry]
    assert analytics.list_quarantine(batch_id=99) == []
    with pytest.raises(InvalidInput, match="no entry 999"):
        analytics.show_quarantine(999)


def test_retrying_takes_what_passes_now(analytics: AnalyticsSystem, inbox: Inbox) -> None:
    inbox.take(
        {
            "assessments": [assessment(instrument="unknown")],
            "responses": [response("r")],
            "question_responses": answers("r"),
        }
    )
    assert analytics.retry_quarantine().settled == 0
    inbox.take({"assessments": [assessment(updated_at="2024-02-01T00:00:00Z")]})
    receipt = analytics.retry_quarantine()
    assert receipt.settled == 50
    assert receipt.batch_id is not None
    assert count(analytics, "analytics.anonymized_assessment_scores") == 5
    assert analytics.retry_quarantine().batch_id is None


def test_retrying_conflicts_never_replaces_what_is_whole(
    analytics: AnalyticsSystem, inbox: Inbox
) -> None:
    inbox.take(
        {
            "assessments": [assessment()],
            "responses": [response("r")],
            "question_responses": answers("r", 1),
        }
    )
    inbox.take({"question_responses": answers("r", 2, ITEMS[:3])})
    inbox.take({"responses": [response("r", updated_at="2024-06-01T00:00:00Z")]})
    before = content_rows(analytics)
    assert analytics.retry_quarantine().settled == 0
    assert content_rows(analytics) == before
    assert len(analytics.list_quarantine(rule="conflict")) == 3


def test_conflicts_are_settled_when_their_content_replaces_what_is_stored(
    analytics: AnalyticsSystem, inbox: Inbox
) -> None:
    inbox.take(
        {
            "assessments": [assessment()],
            "responses": [response("r")],
            "question_responses": answers("r", 1),
        }
    )
    before = content_rows(analytics)
    other: Records = {"question_responses": answers("r", 2)}
    conflicting = inbox.take(other)
    assert conflicting.quarantine == {"conflict": 50}
    replaced = inbox.take(other, replace=True)
    assert (replaced.accepted, replaced.quarantined) == (50, 0)
    assert analytics.list_quarantine() == []
    assert len(analytics.list_quarantine(status="settled")) == 50
    # The second delivery stands on its own: taking the refused one out takes nothing of it.
    stored = content_rows(analytics)
    assert conflicting.batch_id is not None
    analytics.undo_batch(conflicting.batch_id)
    assert content_rows(analytics) == stored != before


def test_conflicts_are_settled_when_another_file_brings_their_content(
    analytics: AnalyticsSystem, inbox: Inbox
) -> None:
    other: Records = {
        "assessments": [assessment(employee_count=7)],
        "responses": [response("r", gender="male")],
        "question_responses": answers("r", 2),
        "scores": scores("r", 70),
        "ai_validations": [validation("r", primary_score=1.0)],
    }
    inbox.take({"assessments": [assessment()], "responses": [response("r")], **CHILDREN})
    conflicting = inbox.take(other)
    assert conflicting.quarantine == {"conflict": conflicting.records_processed}
    third = {**other, "responses": [response("r", gender="other")], "scores": scores("r", 71)}
    inbox.take({kind: third[kind] for kind in ("responses", "scores")})
    # The same records and one more: another file, another digest.
    responses = [response("r", gender="male"), response("another")]
    inbox.take({**other, "responses": responses}, replace=True)
    waiting = analytics.list_quarantine()
    assert sorted(entry.kind for entry in waiting) == ["responses"] + ["scores"] * 5
    assert {entry.batch_id for entry in waiting} == {3}


def test_conflicts_wait_again_when_their_replacement_is_undone(
    analytics: AnalyticsSystem, inbox: Inbox
) -> None:
    inbox.take(
        {
            "assessments": [assessment()],
            "responses": [response("r")],
            "question_responses": answers("r", 1),
        }
    )
    other: Records = {"question_responses": answers("r", 2)}
    inbox.take(other)
    replaced = inbox.take(other, replace=True)
    assert replaced.batch_id is not None
    analytics.undo_batch(replaced.batch_id)
    assert len(analytics.list_quarantine(rule="conflict")) == 50
