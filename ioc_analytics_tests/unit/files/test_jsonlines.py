"""JSON Lines, well-formed and not."""

import json
from pathlib import Path

import pytest

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics_tests.unit.files.sources import opened, taken, write

ANSWER = {"response_id": "r1", "question_id": 17, "value": 4, "time_spent_ms": None}


def test_objects_become_rows(tmp_path: Path) -> None:
    lines = [ANSWER, ANSWER | {"value": "5", "extra": [1]}, {**ANSWER, "value": 2.0}]
    text = "\n".join(json.dumps(line) for line in lines)
    result = taken(opened(write(tmp_path / "question_responses.jsonl", text)))
    rows = result.accepted("question_responses")
    assert [(row["_line"], row["question_id"], row["value"]) for row in rows] == [
        (1, "17", 4),
        (2, "17", 5),
        (3, "17", 2),
    ]
    assert result.dropped == {"extra"}


def test_lines_that_are_no_objects_are_quarantined(tmp_path: Path) -> None:
    good = json.dumps(ANSWER)
    bad = ['{"response_id": ', "[1, 2]", "{'response_id': 1}", "[" * 100_000, '{"v":NaN}x']
    text = "\n".join([good, *bad, "", good]) + "\n"
    result = taken(opened(write(tmp_path / "question_responses.jsonl", text)))
    assert [row["_line"] for row in result.accepted("question_responses")] == [1, 8]
    assert result.refused("question_responses") == [(line, "not_json") for line in range(2, 7)]


def test_a_missing_key_is_missing_in_its_line_only(tmp_path: Path) -> None:
    short = {"response_id": "r2", "question_id": "E1"}
    text = "\n".join(json.dumps(line) for line in [ANSWER, short])
    result = taken(opened(write(tmp_path / "question_responses.jsonl", text)))
    assert result.refused("question_responses") == [(2, "missing_required")]


def test_a_key_that_no_line_has_names_the_nearest(tmp_path: Path) -> None:
    text = json.dumps({"response_id": "r", "question_id": "E1", "values": 3})
    with pytest.raises(InvalidInput, match="'value'; did you mean 'values'"):
        opened(write(tmp_path / "question_responses.jsonl", text))


def test_one_array_is_no_json_lines(tmp_path: Path) -> None:
    text = json.dumps([ANSWER, ANSWER], indent=1)
    with pytest.raises(InvalidInput, match="one per line"):
        opened(write(tmp_path / "question_responses.jsonl", text))


def test_a_long_line_is_refused(tmp_path: Path) -> None:
    text = json.dumps(ANSWER) + "\n" + json.dumps(ANSWER | {"question_id": "x" * 2000})
    limits = LimitsSettings(max_line_bytes=1000)
    with pytest.raises(InvalidInput, match=r"line 2 .*max_line_bytes"):
        taken(opened(write(tmp_path / "question_responses.jsonl", text), limits=limits))


def test_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    text = json.dumps(ANSWER) + "\n" + '{"response_id": "é"}\n'
    with pytest.raises(InvalidInput, match="line 2 is not UTF-8"):
        taken(opened(write(tmp_path / "question_responses.jsonl", text.encode("latin-1"))))
