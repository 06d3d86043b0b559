"""What happens to a row, good or bad, on its way past the contract."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.contracts import CONTRACTS
from ioc_analytics.records.judge import Judged, judge
from ioc_analytics.records.kinds import LINE_COLUMNS

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
RESPONSE = {"response_id": "r1", "assessment_id": "a1", "started_at": "2024-03-01T10:00:00Z"}
ANSWER = {"response_id": "r1", "question_id": "E1", "value": "4"}


def judged(kind: str, *rows: dict[str, Any]) -> Judged:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return judge(kind, pa.table(columns), 2, now=NOW)


def first(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    return dict(judged(kind, row).table.to_pylist()[0])


def test_a_good_row_gets_all_columns_and_no_rule() -> None:
    row = first("responses", RESPONSE)
    assert list(row) == [*CONTRACTS["responses"].names, *LINE_COLUMNS]
    assert row["started_at"] == datetime(2024, 3, 1, 10, tzinfo=UTC)
    assert (row["status"], row["_line"], row["_rule"]) == ("unknown", 2, None)


@pytest.mark.parametrize(
    ("kind", "row", "rule", "column", "value"),
    [
        ("responses", RESPONSE | {"response_id": " "}, "missing_key", "response_id", " "),
        ("responses", RESPONSE | {"started_at": ""}, "missing_required", "started_at", ""),
        ("responses", RESPONSE | {"started_at": "soon"}, "not_a_date", "started_at", "soon"),
        (
            "responses",
            RESPONSE | {"started_at": "1989-12-31"},
            "date_before_1990",
            "started_at",
            "1989-12-31",
        ),
        (
            "responses",
            RESPONSE | {"started_at": "4320-01-01"},
            "date_in_future",
            "started_at",
            "4320-01-01",
        ),
        ("question_responses", ANSWER | {"value": "four"}, "not_a_number", "value", "four"),
        ("question_responses", ANSWER | {"value": "3.5"}, "not_an_integer", "value", "3.5"),
        ("question_responses", ANSWER | {"value": "70000"}, "out_of_range", "value", "70000"),
        ("question_responses", ANSWER | {"value": ""}, "missing_required", "value", ""),
        (
            "scores",
            {"response_id": "r", "dimension": "opennes", "score": "50"},
            "not_in_vocabulary",
            "dimension",
            "opennes",
        ),
        (
            "scores",
            {"response_id": "r", "dimension": "openness", "score": "101"},
            "out_of_range",
            "score",
            "101",
        ),
    ],
)
def test_a_bad_required_value_refuses_the_line(
    kind: str, row: dict[str, Any], rule: str, column: str, value: str
) -> None:
    result = first(kind, row)
    assert (result["_rule"], result["_column"], result["_value"]) == (rule, column, value)
    assert result["_line"] == 2


@pytest.mark.parametrize(
    ("extra", "column", "rule", "repaired"),
    [
        ({"completion_percentage": "101"}, "completion_percentage", "out_of_range", None),
        ({"time_spent_seconds": "-1"}, "time_spent_seconds", "out_of_range", None),
        ({"age": "329"}, "age", "out_of_range", None),
        ({"age": "1992"}, "age", "birth_year_as_age", 32),
        ({"age": "2020"}, "age", "out_of_range", None),
        ({"status": "paused"}, "status", "not_in_vocabulary", "unknown"),
        ({"completed_at": "2024-02-30"}, "completed_at", "not_a_date", None),
        ({"completed_at": "2024-03-01T09:59:59Z"}, "completed_at", "ends_before_start", None),
        ({"updated_at": "2031-01-01"}, "updated_at", "date_in_future", None),
    ],
)
def test_a_bad_optional_value_is_repaired_and_counted(
    extra: dict[str, str], column: str, rule: str, repaired: object
) -> None:
    result = judged("responses", RESPONSE | extra)
    assert result.repairs == {(column, rule): 1}
    row = result.table.to_pylist()[0]
    assert row["_rule"] is None
    assert row[column] == repaired


def test_repairs_of_refused_lines_are_not_counted() -> None:
    result = judged("responses", RESPONSE | {"started_at": "soon", "age": "329"})
    assert not result.repairs


def test_the_first_broken_rule_names_the_line() -> None:
    row = first("responses", {"response_id": "", "assessment_id": "", "started_at": "soon"})
    assert (row["_rule"], row["_column"]) == ("missing_key", "response_id")


def test_namibia_is_no_missing_value() -> None:
    assert first("responses", RESPONSE | {"country": "NA"})["country"] == "NA"


def test_columns_that_nobody_knows_are_dropped_and_named() -> None:
    result = judged("responses", RESPONSE | {"shoe_size": "44"})
    assert result.dropped_columns == {"shoe_size"}
    assert "shoe_size" not in result.table.column_names


def test_a_missing_required_column_names_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="'started_at'; did you mean 'start_at'"):
        judged("responses", {"response_id": "r", "assessment_id": "a", "start_at": "2024-01-01"})


def test_a_file_without_header_does_not_print_its_values() -> None:
    with pytest.raises(InvalidInput) as caught:
        judged("responses", {"anna@example.org": "x", "2024-01-01": "y"})
    assert "anna" not in str(caught.value)
    assert "header line" in str(caught.value)


def test_a_name_that_may_be_a_value_is_counted_and_not_printed() -> None:
    with pytest.raises(
        InvalidInput, match="Found: 'response_id', 'shoe_size' and 1 more"
    ) as caught:
        judged("responses", {"response_id": "r", "shoe_size": "44", "Started At": "x"})
    assert "Started At" not in str(caught.value)


def test_typed_columns_are_taken_as_they_are() -> None:
    table = pa.table(
        {
            "response_id": pa.array(["r1", "r1"]).dictionary_encode(),
            "question_id": pa.array([17, 18]),
            "value": pa.array([4.0, float("nan")]),
            "answered_at": pa.array([19_723 * 86_400 * 10**9, None], pa.timestamp("ns")),
        }
    )
    result = judge("question_responses", table, 1, now=NOW).table
    assert result["response_id"].chunk(0).dictionary is not None
    assert result["question_id"].to_pylist() == ["17", "18"]
    assert result["value"].to_pylist() == [4, None]
    assert result["answered_at"].to_pylist()[0] == datetime(2024, 1, 1, tzinfo=UTC)
    assert result["_rule"].to_pylist() == [None, "missing_required"]


def test_a_number_is_no_time_because_its_unit_is_unknown() -> None:
    table = pa.table({"response_id": ["r"], "assessment_id": ["a"], "started_at": [1_700_000_000]})
    with pytest.raises(InvalidInput, match="'started_at' is of type int64"):
        judge("responses", table, 1, now=NOW)


def test_empty_entries_of_a_dictionary_are_missing() -> None:
    ids = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["r1", ""]))
    table = pa.table({"response_id": ids, "question_id": ["E1"] * 3, "value": [1, 2, 3]})
    result = judge("question_responses", table, 1, now=NOW).table
    assert result["_rule"].to_pylist() == [None, "missing_key", None]


def test_the_dictionary_of_a_clean_column_is_handed_on() -> None:
    # Pseudonyms are made once per dictionary, and the dictionary is known by its buffers.
    ids = pa.array(["r1", "r2"]).dictionary_encode()
    table = pa.table({"response_id": ids, "question_id": ["E1"] * 2, "value": [1, 2]})
    result = judge("question_responses", table, 1, now=NOW).table["response_id"].chunk(0)
    expected = [buffer.address for buffer in ids.dictionary.buffers() if buffer]
    assert [buffer.address for buffer in result.dictionary.buffers() if buffer] == expected


def test_no_rows_are_no_problem() -> None:
    for kind, contract in CONTRACTS.items():
        table = pa.table({name: pa.array([], pa.string()) for name in contract.names})
        assert judge(kind, table, 2, now=NOW).table.num_rows == 0
