"""Survey exports, one row per person, become assessments, responses and answers."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from ioc_analytics.files.mappings import parse_mapping
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.judge import judge
from ioc_analytics_tests.unit.files.sources import NOW, opened, taken, write

INSTRUMENT = """
[instrument]
name = "mini"
scale_minimum = 1
scale_maximum = 5
items = [
    { code = "E1", trait = "extraversion", is_reversed = false },
    { code = "E2", trait = "extraversion", is_reversed = true },
]
"""
MAPPING = (
    """
name = "mini"
ignore = ["shoe*"]

[assessment]
id = "mini"
organization_id = { constant = "acme" }
type = "pilot"
created_at = 2024-01-01

[respondent]
response_id = "id"
age = "age"
gender = { column = "sex", values = { 1 = "male", 2 = "female" }, missing = ["0"] }
country = "land"

[time]
started = { column = "start", format = "%d.%m.%Y %H:%M" }

[duration]
columns = ["seconds"]
unit = "seconds"

[items]
pattern = "{code}"
missing = ["0", "-9"]
time_pattern = "t_{code}"
time_unit = "seconds"
"""
    + INSTRUMENT
)
CSV = """id,age,sex,land,start,seconds,E1,E2,t_E1,t_E2,shoe_size,other
p1,34,1,NA,01.02.2024 10:00,61.5,4,2,1.5,2,44,x
p2,1990,2,DE,02.02.2024 11:00,60,0,5,0,3,40,x
p3,200,0,DE,32.02.2024 11:00,60,1,1,1,1,40,x
p4,20,7,,03.02.2024 12:00,minute,6,five,1,1,40,x
p5,20,1,,03.02.2024 12:00,-5,3.5,-9,1,-1,40,x
p6,20
p7,20,1,,04.02.2024 12:00,30,5,5,99999999,,40,x
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write(tmp_path / "export.csv", CSV)


def test_every_line_is_one_response(export: Path) -> None:
    result = taken(opened(export, parse_mapping(MAPPING)))
    assert sorted(row["_line"] for row in result.rows["responses"]) == list(range(2, 9))
    assert result.refused("responses") == [(4, "not_a_date"), (7, "wrong_field_count")]
    refused = [row for row in result.rows["responses"] if row["_line"] == 4]
    assert refused[0]["_value"] == "32.02.2024 11:00"


def test_attributes_and_repairs(export: Path) -> None:
    result = taken(opened(export, parse_mapping(MAPPING)))
    rows = {row["response_id"]: row for row in result.accepted("responses")}
    assert rows["mini/p1"]["started_at"] == datetime(2024, 2, 1, 10, tzinfo=UTC)
    assert (rows["mini/p1"]["gender"], rows["mini/p1"]["country"]) == ("male", "NA")
    assert rows["mini/p1"]["time_spent_seconds"] == 61.5
    assert rows["mini/p2"]["age"] == 34
    assert (rows["mini/p4"]["gender"], rows["mini/p4"]["time_spent_seconds"]) == ("7", None)
    assert result.repairs == {
        "age:birth_year_as_age": 1,
        "time_spent_seconds:not_a_number": 1,
        "time_spent_seconds:out_of_range": 1,
        "time_spent_ms:out_of_range": 1,
    }
    assert result.dropped == {"other"}


def test_answers(export: Path) -> None:
    result = taken(opened(export, parse_mapping(MAPPING)))
    answers = [
        (row["_line"], row["question_id"], row["value"], row["time_spent_ms"])
        for row in result.accepted("question_responses")
    ]
    assert answers == [
        (2, "E1", 4, 1500),
        (2, "E2", 2, 2000),
        (3, "E2", 5, 3000),
        (8, "E1", 5, None),
        (8, "E2", 5, None),
    ]
    refused = [
        tuple(row[name] for name in ("_line", "response_id", "_column", "_rule", "_value"))
        for row in result.rows["question_responses"]
        if row["_rule"]
    ]
    assert refused == [
        (5, "mini/p4", "E1", "value_out_of_range", "6"),
        (5, "mini/p4", "E2", "not_a_number", "five"),
        (6, "mini/p5", "E1", "not_an_integer", "3.5"),
    ]


def test_status_and_completion_follow_the_items(export: Path) -> None:
    result = taken(opened(export, parse_mapping(MAPPING)))
    found = [
        (row["response_id"], row["status"], row["completion_percentage"])
        for row in result.accepted("responses")
    ]
    assert found == [
        ("mini/p1", "completed", 100.0),
        ("mini/p2", "abandoned", 50.0),
        ("mini/p4", "abandoned", 0.0),
        ("mini/p5", "abandoned", 0.0),
        ("mini/p7", "completed", 100.0),
    ]


def test_the_judge_takes_answers_as_they_are(export: Path) -> None:
    for chunk in opened(export, parse_mapping(MAPPING)).chunks():
        accepted = chunk.table.filter(pa.compute.is_null(chunk.table["_rule"]))
        again = judge(chunk.kind, accepted, accepted["_line"].combine_chunks(), now=NOW)
        assert again.table.select(accepted.column_names).to_pylist() == accepted.to_pylist()
        assert not again.repairs


def test_chunks_of_any_size_hold_the_same_rows(export: Path) -> None:
    mapping = parse_mapping(MAPPING)
    whole, small = (taken(opened(export, mapping, batch_size=size)) for size in (1000, 2))
    for kind in whole.rows:
        key = "_line"
        assert sorted(small.rows[kind], key=lambda row: row[key]) == sorted(
            whole.rows[kind], key=lambda row: row[key]
        )
    assert small.repairs == whole.repairs
    assert small.kinds.count("assessments") == 1


def test_the_instrument_comes_with_the_batch(export: Path) -> None:
    batch = opened(export, parse_mapping(MAPPING))
    assert [instrument.name for instrument in batch.instruments] == ["mini"]
    assert taken(batch).accepted("assessments")[0]["instrument"] == "mini"


def test_keyed_answers_are_turned_back(export: Path) -> None:
    mapping = parse_mapping(MAPPING.replace("[items]", "[items]\nkeyed = true"))
    rows = taken(opened(export, mapping)).accepted("question_responses")
    assert [(row["_line"], row["question_id"], row["value"]) for row in rows][:3] == [
        (2, "E1", 4),
        (2, "E2", 4),
        (3, "E2", 1),
    ]


def test_without_ids_the_line_names_the_response(export: Path) -> None:
    mapping = parse_mapping(MAPPING.replace('response_id = "id"', ""))
    batch = opened(export, mapping)
    ids = [row["response_id"] for row in taken(batch).accepted("responses")]
    assert ids == [f"{batch.digest().hex()}:{line}" for line in (2, 3, 5, 6, 8)]
    assert any("no id column" in warning for warning in batch.warnings)


def test_two_exports_without_ids_do_not_mix_people_up(tmp_path: Path) -> None:
    write(tmp_path / "one.csv", CSV)
    write(tmp_path / "two.csv", CSV)
    batch = opened(tmp_path, parse_mapping(MAPPING.replace('response_id = "id"', "")))
    ids = [row["response_id"] for row in taken(batch).accepted("responses")]
    assert len(set(ids)) == len(ids) == 10


def test_organizations_from_a_column_become_assessments(tmp_path: Path) -> None:
    mapping = parse_mapping(
        MAPPING.replace(
            'organization_id = { constant = "acme" }',
            'organization_id = "land"\nindustry = { constant = "Education" }\n'
            'employee_count = { column = "shoe_size" }',
        )
    )
    result = taken(opened(write(tmp_path / "x.csv", CSV), mapping, batch_size=2))
    found = [
        (row["assessment_id"], row["organization_id"], row["industry"], row["employee_count"])
        for row in result.accepted("assessments")
    ]
    assert found == [("mini/NA", "NA", "Education", 44), ("mini/DE", "DE", "Education", 40)]
    assert [row["assessment_id"] for row in result.accepted("responses")] == ["mini/NA", "mini/DE"]
    assert (5, "missing_key") in result.refused("responses")


def test_a_mapping_names_the_sectors_of_companies(tmp_path: Path) -> None:
    mapping = parse_mapping(
        MAPPING.replace('organization_id = { constant = "acme" }', 'organization_id = "land"')
        + '\n[organizations."DE"]\nindustry = "Finance"\nemployee_count = 1200\n'
    )
    result = taken(opened(write(tmp_path / "x.csv", CSV), mapping))
    found = {
        row["organization_id"]: (row["industry"], row["employee_count"])
        for row in result.accepted("assessments")
    }
    assert found == {"NA": (None, None), "DE": ("Finance", 1200)}


def test_parquet_exports_need_no_texts(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": [1, 2],
            "age": [34.0, None],
            "sex": [1, 2],
            "land": ["DE", None],
            "start": ["01.02.2024 10:00", "02.02.2024 11:00"],
            "seconds": [61.5, 60.0],
            "E1": [4, 0],
            "E2": [2.0, None],
            "t_E1": [1.5, 0.0],
            "t_E2": [2, 3],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "export.parquet")
    result = taken(opened(tmp_path / "export.parquet", parse_mapping(MAPPING)))
    rows = result.accepted("responses")
    assert [(row["response_id"], row["age"], row["gender"]) for row in rows] == [
        ("mini/1", 34, "male"),
        ("mini/2", None, "female"),
    ]
    answers = result.accepted("question_responses")
    values = [(row["response_id"], row["value"]) for row in answers]
    assert values == [("mini/1", 4), ("mini/1", 2)]


TIMES = {
    "iso": ('"start"', "2024-02-01T10:00:00+02:00", datetime(2024, 2, 1, 8, tzinfo=UTC)),
    "epoch": (
        '{ column = "start", format = "epoch_milliseconds" }',
        "1706781600500",
        datetime(2024, 2, 1, 10, 0, 0, 500_000, tzinfo=UTC),
    ),
    "excel": (
        '{ column = "start", format = "excel" }',
        "45323.5",
        datetime(2024, 2, 1, 12, tzinfo=UTC),
    ),
    "zone": (
        '{ column = "start", zone = "Europe/Berlin" }',
        "2024-07-01 10:00",
        datetime(2024, 7, 1, 8, tzinfo=UTC),
    ),
    "parts": (
        '{ parts = { year = "start", month = "age" }, year_offset = 1900, month_offset = 1 }',
        "124",
        datetime(2024, 12, 1, tzinfo=UTC),
    ),
}


@pytest.mark.parametrize(("source", "text", "expected"), TIMES.values(), ids=list(TIMES))
def test_times_come_in_many_forms(
    tmp_path: Path, source: str, text: str, expected: datetime
) -> None:
    mapping = parse_mapping(
        MAPPING.replace('{ column = "start", format = "%d.%m.%Y %H:%M" }', source)
    )
    header = CSV.splitlines()[0]
    rows = [f"{name},11,1,DE,{t},60,4,2,1,1,44,x" for name, t in (("p1", text), ("p2", "soon"))]
    result = taken(opened(write(tmp_path / "x.csv", "\n".join([header, *rows])), mapping))
    assert [row["started_at"] for row in result.accepted("responses")] == [expected]
    assert result.refused("responses") == [(3, "not_a_date")]


def test_sums_of_durations_and_other_rules_of_status(tmp_path: Path) -> None:
    text = MAPPING.replace('["seconds"]', '["seconds", "shoe_size"]').replace(
        'unit = "seconds"', 'unit = "minutes"', 1
    )
    text += "\n[status]\ncolumn = 'other'\nvalues = { x = 'started' }\n"
    result = taken(opened(write(tmp_path / "x.csv", CSV), parse_mapping(text)))
    row = result.accepted("responses")[0]
    assert row["time_spent_seconds"] == (61.5 + 44) * 60
    assert row["status"] == "started"


def test_a_question_skipped_leaves_a_sheet_completed(tmp_path: Path) -> None:
    codes = [f"E{n}" for n in range(1, 6)]
    items = "".join(
        f'    {{ code = "{code}", trait = "extraversion", is_reversed = false }},\n'
        for code in codes
    )
    text = MAPPING.partition("items = [")[0] + f"items = [\n{items}]\n"
    text = text.replace('time_pattern = "t_{code}"', "").replace('time_unit = "seconds"', "")
    head = "id,age,sex,land,start,seconds,"
    person = "20,1,DE,01.02.2024 10:00,60,"
    csv_rows = (
        f"{head}{','.join(codes)}\n"
        f"p1,{person}4,2,0,1,5\n"  # four of five, the share that a trait needs
        f"p2,{person}4,2,0,0,5\n"
    )
    result = taken(opened(write(tmp_path / "x.csv", csv_rows), parse_mapping(text)))
    found = [(row["status"], row["completion_percentage"]) for row in result.accepted("responses")]
    assert found == [("completed", 80.0), ("abandoned", 60.0)]


def test_the_end_decides_where_there_are_no_items(tmp_path: Path) -> None:
    text = (
        MAPPING.partition("[items]")[0]
        .partition("[duration]")[0]
        .replace("[time]", '[time]\ncompleted = "end"')
        .replace('age = "age"', "")
    )
    csv_rows = (
        "id,sex,land,start,end\n"
        "p1,1,DE,01.02.2024 10:00,2024-02-01T10:01:30Z\n"
        "p2,1,DE,01.02.2024 10:00,\n"
        "p3,1,DE,01.02.2024 10:00,2024-01-01\n"
    )
    result = taken(opened(write(tmp_path / "x.csv", csv_rows), parse_mapping(text)))
    found = [(row["status"], row["time_spent_seconds"]) for row in result.accepted("responses")]
    assert found == [("completed", 90.0), ("abandoned", None), ("abandoned", None)]
    assert result.repairs == {"completed_at:ends_before_start": 1}
    assert "question_responses" not in result.rows


def test_a_mapped_column_that_lacks_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", CSV.replace("seconds", "secs"))
    with pytest.raises(InvalidInput, match="'seconds'; did you mean 'secs'"):
        opened(path, parse_mapping(MAPPING))


def test_a_wide_export_without_header_does_not_print_its_first_row(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", CSV.partition("\n")[2])
    with pytest.raises(InvalidInput, match="none of a known name; is the header line missing"):
        opened(path, parse_mapping(MAPPING))


def test_only_a_mapped_column_may_not_stand_there_twice(tmp_path: Path) -> None:
    twice = CSV.replace("shoe_size,other", "other,other")
    assert taken(opened(write(tmp_path / "x.csv", twice), parse_mapping(MAPPING))).dropped == {
        "other",
        "other#2",
    }
    path = write(tmp_path / "y.csv", CSV.replace("shoe_size", "age"))
    with pytest.raises(InvalidInput, match="reads column 'age', which the header has twice"):
        opened(path, parse_mapping(MAPPING))


def test_a_mapping_may_name_the_files_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "export.csv", CSV)
    write(tmp_path / "README.md", "about")
    mapping = parse_mapping(MAPPING.replace("ignore =", 'files = ["export*"]\nignore ='))
    assert opened(tmp_path, mapping).files == ("export.csv",)
    with pytest.raises(InvalidInput, match="README.md"):
        opened(tmp_path, parse_mapping(MAPPING))
