import uuid
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ioc_analytics.kernel.errors import InvalidInput, PrivacyRefusal
from ioc_analytics.privacy import refuse_identifiable
from ioc_analytics.records.contracts import CONTRACTS
from ioc_analytics.records.kinds import KINDS
from ioc_analytics.records.tables import ANONYMISED_SCHEMAS, ID_COLUMNS, LINE_SCHEMA

DAY = "2026-01-05T10:00:00Z"
ID = uuid.UUID("04de8867-01b3-8170-bccb-2c59f7297321")
RECORDS: dict[str, dict[str, Any]] = {
    "assessments": {"id": ID, "org_hash": ID, "created_at": DAY, "region": "Caribbean"},
    "responses": {"id": ID, "assessment_hash": ID, "created_at": DAY, "gender": "female"},
    "question_responses": {"response_hash": ID, "question_id": "E1", "value": 4},
    "scores": {"response_hash": ID, "dimension": "openness", "score": 50.0},
    "ai_validations": {
        "response_hash": ID,
        "dimension": "openness",
        "primary_model": "rater-a",
        "primary_score": 50,
        "secondary_model": "rater-b",
        "secondary_score": 51,
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_anonymised_record_is_taken_as_it_is(kind: str) -> None:
    table = refuse_identifiable(kind, [RECORDS[kind]]).table
    assert table.schema == pa.schema([*ANONYMISED_SCHEMAS[kind], *LINE_SCHEMA])
    row = table.to_pylist()[0]
    assert row["_line"] == 1
    assert row["_rule"] is None
    for name in RECORDS[kind]:
        if name in ID_COLUMNS[kind]:
            assert row[name] == ID.bytes
        elif not name.endswith("_at"):
            assert row[name] == RECORDS[kind][name]


@pytest.mark.parametrize("spell", [lambda v: v, str, lambda v: v.bytes, lambda v: str(v).upper()])
@pytest.mark.parametrize("shape", [list, pd.DataFrame, pa.Table.from_pylist])
def test_every_spelling_of_a_uuid_is_taken(
    spell: Callable[[uuid.UUID], Any], shape: Callable[[list[dict[str, Any]]], Any]
) -> None:
    rows = [{**RECORDS["scores"], "response_hash": spell(ID)}] * 2
    table = refuse_identifiable("scores", shape(rows)).table
    assert table["response_hash"].to_pylist() == [ID.bytes] * 2


def test_dictionary_and_fixed_size_ids_are_taken() -> None:
    ids = pa.array([ID.bytes] * 3, pa.binary(16))
    for column in (ids, ids.dictionary_encode(), ids.cast(pa.large_binary())):
        frame = pa.table({"response_hash": column, "question_id": ["E1"] * 3, "value": [1, 2, 3]})
        table = refuse_identifiable("question_responses", frame).table
        assert table["response_hash"].to_pylist() == [ID.bytes] * 3


@pytest.mark.parametrize(
    "identifier",
    ["r1", "ada@example.org", 17, b"short", b"ada@example.org1", "g" * 36, ID.hex, 1.5, ""],
)
@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_is_no_uuid_is_refused_without_being_shown(kind: str, identifier: Any) -> None:
    for name in ID_COLUMNS[kind]:
        row = {**RECORDS[kind], name: identifier}
        with pytest.raises(PrivacyRefusal, match=f"column {name}") as refusal:
            refuse_identifiable(kind, [row])
        if isinstance(identifier, str) and len(identifier) > 2:
            assert identifier not in str(refusal.value)


def test_a_refusal_names_the_row() -> None:
    rows = [RECORDS["scores"], {**RECORDS["scores"], "response_hash": "r1"}]
    rows[0] = {**rows[0], "response_hash": str(ID)}
    with pytest.raises(
        PrivacyRefusal, match="scores, column response_hash, row 2: found text of 2"
    ):
        refuse_identifiable("scores", rows)


@pytest.mark.parametrize("kind", KINDS)
def test_every_operational_column_is_refused_by_name(kind: str) -> None:
    stored = {name for schema in ANONYMISED_SCHEMAS.values() for name in schema.names}
    for name in set(CONTRACTS[kind].names) - stored:
        with pytest.raises(PrivacyRefusal, match=name):
            refuse_identifiable(kind, [{**RECORDS[kind], name: None}])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("plant", ["canary@birds.example", "+49 151 99887766", "198.51.100.77"])
def test_an_identifiable_value_anywhere_is_refused_without_being_shown(
    kind: str, plant: str
) -> None:
    for name in [*ANONYMISED_SCHEMAS[kind].names, "remark", "batch_id"]:
        with pytest.raises(PrivacyRefusal) as refusal:
            refuse_identifiable(kind, [{**RECORDS[kind], name: plant}])
        assert plant not in str(refusal.value)
        assert name in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("assessments", "industry_category"),
        ("assessments", "org_size_category"),
        ("assessments", "region"),
        ("assessments", "status"),
        ("assessments", "assessment_type"),
        ("responses", "region"),
        ("responses", "age_band"),
        ("responses", "gender"),
        ("responses", "device_type"),
        ("question_responses", "question_id"),
        ("scores", "dimension"),
        ("scores", "scoring_version"),
        ("ai_validations", "primary_model"),
    ],
)
def test_a_name_in_a_category_is_refused(kind: str, column: str) -> None:
    with pytest.raises(PrivacyRefusal, match=f"{column}, row 1: found text of 12") as refusal:
        refuse_identifiable(kind, [{**RECORDS[kind], column: "Ada Lovelace"}])
    assert "Ada" not in str(refusal.value)


def test_absent_and_null_categories_are_unknown() -> None:
    rows = [RECORDS["responses"], {**RECORDS["responses"], "gender": None}]
    table = refuse_identifiable("responses", rows).table
    assert table["gender"].to_pylist() == ["female", "unknown"]
    for name in ("region", "age_band", "device_type", "status"):
        assert table[name].to_pylist() == ["unknown"] * 2


def test_columns_that_ingestion_fills_may_come_along() -> None:
    row = {**RECORDS["responses"], "org_hash": ID, "is_careless": False, "batch_id": 3}
    table = refuse_identifiable("responses", [row]).table
    assert "batch_id" not in table.column_names


def test_numbers_and_keys_are_judged_row_by_row() -> None:
    good = RECORDS["scores"]
    rows = [good, {**good, "score": 104.5}, {**good, "response_hash": None}]
    checked = refuse_identifiable("scores", [*rows, {**good, "percentile": 101}])
    assert checked.table["_rule"].to_pylist() == [None, "out_of_range", "missing_key", None]
    assert checked.table["_column"].to_pylist() == [None, "score", "response_hash", None]
    assert checked.table["_value"].to_pylist() == [None, "104.5", None, None]
    assert checked.table["percentile"].to_pylist() == [None] * 4
    assert checked.repairs == {"percentile:out_of_range": 1}


def test_a_text_among_numbers_is_described_only() -> None:
    table = refuse_identifiable(
        "question_responses", [{**RECORDS["question_responses"], "value": "Lovelace"}]
    ).table
    assert table["_rule"].to_pylist() == ["not_a_number"]
    assert table["_value"].to_pylist() == ["<text of 8 characters>"]


def test_the_number_of_a_question_is_taken_as_its_text() -> None:
    row = {**RECORDS["question_responses"], "question_id": 17}
    table = refuse_identifiable("question_responses", [row]).table
    assert table["question_id"].to_pylist() == ["17"]


def test_unknown_and_missing_columns_are_named() -> None:
    with pytest.raises(InvalidInput, match="'regoin'; did you mean 'region'"):
        refuse_identifiable("responses", [{**RECORDS["responses"], "regoin": "Caribbean"}])
    with pytest.raises(InvalidInput, match="unknown column number") as caught:
        refuse_identifiable("responses", [{**RECORDS["responses"], "Jane Doe": "x"}])
    assert "Jane" not in str(caught.value)
    with pytest.raises(InvalidInput, match="'created_at' is missing"):
        refuse_identifiable("responses", [{"id": ID, "assessment_hash": ID}])
    with pytest.raises(InvalidInput, match="did you mean 'responses'"):
        refuse_identifiable("response", [])
    with pytest.raises(InvalidInput, match="text is needed"):
        refuse_identifiable("scores", [{**RECORDS["scores"], "dimension": [1]}])
