"""The quarantine judged again from a repaired file: what is good now comes in, nothing twice."""

from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics_tests.fixtures.batches import (
    ITEMS,
    Records,
    answers,
    assessment,
    content_rows,
    count,
    response,
    write_batch,
)

MAPPING = """
name = "wide"
title = "A survey export without ids"
source = "made up"
instrument = "ipip50"

[assessment]
id = "survey"
organization_id = { constant = "somebody" }
created_at = 2024-01-01

[time]
started = "start"

[respondent]
age = "age"

[items]
pattern = "{code}"
"""


def export(path: Path, **cells: dict[str, str]) -> Path:
    """Write a wide file of three people, with other cells in the lines that are named."""
    people = {
        f"line{number}": {"start": f"2024-03-0{number}T10:00:00Z", "age": "30"}
        | {item: str((place * 3 + number) % 5 + 1) for place, item in enumerate(ITEMS)}
        for number in (2, 3, 4)
    }
    rows = [people[name] | cells.get(name, {}) for name in people]
    lines = [",".join(["start", "age", *ITEMS]), *(",".join(row.values()) for row in rows)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def batch(response_2: str, value: int, item: str = "E1") -> Records:
    """Two responses; the start time of the second and one answer of the first are given."""
    first = answers("r1")
    first[0] |= {"value": value, "question_id": item}
    return {
        "assessments": [assessment()],
        "responses": [response("r1"), response("r2", started_at=response_2)],
        "question_responses": [*first, *answers("r2")],
    }


def test_repaired_records_come_in_and_the_others_keep_fresh_reasons(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    broken = write_batch(tmp_path / "broken", batch("yesterday", 9))
    assert analytics.ingest_files(broken).quarantine == {
        "not_a_date": 1,
        "value_out_of_range": 1,
        "orphan": 50,
    }
    half = write_batch(tmp_path / "half", batch("2024-03-06T10:00:00Z", 9, "E99"))
    receipt = analytics.retry_quarantine(source=half)
    assert (receipt.settled, receipt.quarantine) == (51, {"unknown_item": 1})
    assert [str(day) for day in receipt.touched_days] == ["2024-03-06"]
    (entry,) = analytics.list_quarantine()
    assert (entry.rule, entry.column_name, entry.line) == ("unknown_item", "question_id", 1)

    whole = write_batch(tmp_path / "whole", batch("2024-03-06T10:00:00Z", 1))
    assert analytics.retry_quarantine(source=whole).settled == 1
    assert analytics.list_quarantine() == []
    assert count(analytics, "analytics.anonymized_question_responses") == 100
    # The repaired file says nothing new: all of it is stored, as if it had come at first.
    stored = content_rows(analytics)
    again = analytics.ingest_files(whole)
    assert (again.accepted, again.duplicates) == (0, again.records_processed)
    assert content_rows(analytics) == stored


def test_lines_of_an_export_without_ids_stay_the_same_people(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    mapping = tmp_path / "wide.toml"
    mapping.write_text(MAPPING)
    broken = export(tmp_path / "a" / "x.csv", line3={"E1": "9", "N1": "8"}, line4={"start": "?"})
    first = analytics.ingest_files(broken, mapping=mapping)
    assert first.quarantine == {"value_out_of_range": 2, "not_a_date": 1}
    half = export(tmp_path / "b" / "x.csv", line3={"N1": "7"})
    receipt = analytics.retry_quarantine(source=half, mapping=mapping)
    assert (receipt.settled, receipt.quarantine) == (2, {"value_out_of_range": 1})
    (entry,) = analytics.list_quarantine()
    assert (entry.line, entry.column_name) == (3, "N1")

    whole = export(tmp_path / "c" / "x.csv")
    assert analytics.retry_quarantine(source=whole, mapping=mapping).settled == 1
    assert analytics.list_quarantine() == []
    assert count(analytics, "analytics.anonymized_assessment_responses") == 3
    assert count(analytics, "analytics.anonymized_question_responses") == 150
    assert count(analytics, "analytics.anonymized_assessment_scores") == 15
    full = "completion_percentage = 100 AND status = 'completed'"
    assert count(analytics, "analytics.anonymized_assessment_responses", full) == 3
    with pytest.raises(InvalidInput, match=r"no record waits for x\.csv"):
        analytics.retry_quarantine(source=whole, mapping=mapping)


def test_a_retry_from_a_file_can_be_undone(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    broken = write_batch(tmp_path / "broken", batch("yesterday", 1))
    analytics.ingest_files(broken)
    before = content_rows(analytics)
    whole = write_batch(tmp_path / "whole", batch("2024-03-06T10:00:00Z", 1))
    receipt = analytics.retry_quarantine(source=whole)
    assert receipt.batch_id is not None
    analytics.undo_batch(receipt.batch_id)
    assert content_rows(analytics) == before
    assert len(analytics.list_quarantine()) == 51


def test_what_a_repair_breaks_anew_waits_with_its_batch_until_the_next_one(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    mapping = tmp_path / "wide.toml"
    mapping.write_text(MAPPING)
    broken = export(tmp_path / "a" / "x.csv", line3={"start": "?"}, line4={"E1": "9"})
    first = analytics.ingest_files(broken, mapping=mapping).batch_id
    assert first is not None
    half = export(tmp_path / "b" / "x.csv", line3={"N1": "8"}, line4={"E1": "9"})
    undone = analytics.retry_quarantine(source=half, mapping=mapping)
    assert undone.quarantine == {"value_out_of_range": 2}
    assert {entry.batch_id for entry in analytics.list_quarantine()} == {first}

    # The guide's example again, the batch named and not, and after an undo of the repair.
    analytics.retry_quarantine(source=half, mapping=mapping, batch_id=first)
    assert undone.batch_id is not None
    analytics.undo_batch(undone.batch_id)
    whole = export(tmp_path / "c" / "x.csv")
    analytics.retry_quarantine(source=whole, mapping=mapping)
    assert analytics.list_quarantine() == []
    assert count(analytics, "analytics.anonymized_assessment_responses") == 3
    assert count(analytics, "analytics.anonymized_question_responses") == 150
    full = "completion_percentage = 100 AND status = 'completed'"
    assert count(analytics, "analytics.anonymized_assessment_responses", full) == 3


def test_files_that_nothing_or_too_much_waits_for_are_refused(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        records: Records = {"responses": [response(name, started_at="?")]}
        analytics.ingest_files(write_batch(tmp_path / name, records))
    whole = write_batch(tmp_path / "whole", {"responses": [response("two")]})
    with pytest.raises(InvalidInput, match="records of batches 1, 2 wait"):
        analytics.retry_quarantine(source=whole)
    # Its assessment never came: the line is good now, and waits for another reason.
    receipt = analytics.retry_quarantine(source=whole, batch_id=2)
    assert (receipt.settled, receipt.quarantine) == (0, {"orphan": 1})
    analytics.ingest_files(write_batch(tmp_path / "parent", {"assessments": [assessment()]}))
    assert [entry.batch_id for entry in analytics.list_quarantine()] == [1]
    scores = write_batch(tmp_path / "other", {"assessments": [assessment("b")]})
    with pytest.raises(InvalidInput, match=r"no record waits for assessments\.jsonl"):
        analytics.retry_quarantine(source=scores)
    with pytest.raises(InvalidInput, match="give the repaired one as source"):
        analytics.retry_quarantine(mapping=tmp_path / "wide.toml")
