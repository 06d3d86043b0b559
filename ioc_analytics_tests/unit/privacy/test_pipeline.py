import io
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.privacy import (
    AnonymizationPipeline,
    AnonymizedData,
    Pseudonymizer,
    anonymize,
    refuse_identifiable,
)
from ioc_analytics.privacy.values import storable_value
from ioc_analytics.records.contracts import CONTRACTS, ColumnType
from ioc_analytics.records.judge import judge
from ioc_analytics.records.kinds import KINDS
from ioc_analytics.records.tables import ANONYMISED_SCHEMAS, LINE_SCHEMA

KEY = bytes(range(32))
PSEUDONYMS = Pseudonymizer(KEY)
DAY = "2026-01-05T10:00:00Z"

ASSESSMENT = {
    "assessment_id": "a1",
    "organization_id": "o1",
    "organization_name": "Analytical Engines Ltd",
    "industry": "Information Technology",
    "employee_count": 120,
    "country": "UK",
    "assessment_type": "Onboarding",
    "instrument": "IPIP50",
    "status": "published",
    "question_count": 50,
    "created_at": DAY,
    "published_at": "2026-01-06",
    "updated_at": None,
}
RESPONSE = {
    "response_id": "r1",
    "assessment_id": "a1",
    "respondent_id": "p1",
    "email": "ada@example.org",
    "name": "Ada Lovelace",
    "ip_address": "192.0.2.1",
    "country": "NA",
    "birth_year": 1990,
    "age": None,
    "gender": "Woman",
    "device_type": None,
    "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148",
    "status": "completed",
    "completion_percentage": 100,
    "time_spent_seconds": 312.5,
    "started_at": DAY,
    "completed_at": "2026-01-05T10:05:12.5Z",
    "updated_at": "2026-01-05T11:00:00Z",
}
ANSWER = {
    "response_id": "r1",
    "question_id": "E1",
    "value": 4,
    "time_spent_ms": 2100,
    "answered_at": DAY,
}
SCORE = {
    "response_id": "r1",
    "dimension": "openness",
    "score": 72.5,
    "raw_score": 39,
    "percentile": 80,
    "scoring_version": "1.0",
}
VALIDATION = {
    "response_id": "r1",
    "dimension": "openness",
    "primary_model": "vendor/rater-1.5",
    "primary_score": 70,
    "secondary_model": "other-rater",
    "secondary_score": 74,
    "primary_confidence": 0.9,
    "secondary_confidence": None,
    "validated_at": DAY,
}
RECORDS: dict[str, dict[str, Any]] = dict(
    zip(KINDS, (ASSESSMENT, RESPONSE, ANSWER, SCORE, VALIDATION), strict=True)
)


@pytest.fixture
def pipeline() -> AnonymizationPipeline:
    return AnonymizationPipeline({"pseudonym_key": KEY.hex()})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def pseudonym(kind: str, identifier: str) -> bytes:
    return PSEUDONYMS.one(kind, identifier).bytes


def one(data: AnonymizedData, kind: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = data[kind].to_pylist()
    assert len(rows) == 1
    return rows[0]


def test_an_assessment_column_by_column(pipeline: AnonymizationPipeline) -> None:
    assert one(pipeline.process_data({"assessments": [ASSESSMENT]}), "assessments") == {
        "id": pseudonym("assessment", "a1"),
        "org_hash": pseudonym("organization", "o1"),
        "industry_category": "Technology",
        "org_size_category": "Medium",
        "region": "Northern Europe",
        "assessment_type": "onboarding",
        "instrument": "ipip50",
        "status": "published",
        "question_count": 50,
        "created_at": moment("2026-01-05T10:00:00"),
        "published_at": moment("2026-01-06"),
        "updated_at": None,
    }


def test_a_response_column_by_column(pipeline: AnonymizationPipeline) -> None:
    assert one(pipeline.process_data({"responses": [RESPONSE]}), "responses") == {
        "id": pseudonym("response", "r1"),
        "assessment_hash": pseudonym("assessment", "a1"),
        "respondent_hash": pseudonym("respondent", "p1"),
        "region": "Southern Africa",
        "age_band": "35_44",
        "gender": "female",
        "device_type": "mobile",
        "status": "completed",
        "completion_percentage": 100.0,
        "time_spent_seconds": 312.5,
        "created_at": moment("2026-01-05T10:00:00"),
        "completed_at": moment("2026-01-05T10:05:12.500000"),
        "updated_at": moment("2026-01-05T11:00:00"),
    }


def test_the_children_column_by_column(pipeline: AnonymizationPipeline) -> None:
    data = pipeline.process_data(
        {"question_responses": [ANSWER], "scores": [SCORE], "ai_validations": [VALIDATION]}
    )
    response = {"response_hash": pseudonym("response", "r1")}
    assert one(data, "question_responses") == {
        **response,
        "question_id": "E1",
        "value": 4,
        "time_spent_ms": 2100,
    }
    assert one(data, "scores") == {
        **response,
        **{key: SCORE[key] for key in SCORE if key != "response_id"},
    }
    assert one(data, "ai_validations") == {
        **response,
        **{key: VALIDATION[key] for key in VALIDATION if key != "response_id"},
        "primary_model": "vendor-rater-1.5",
        "validated_at": moment("2026-01-05T10:00:00"),
    }
    assert not data.rejected
    assert not any(data.repairs.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_exactly_its_schema(pipeline: AnonymizationPipeline, kind: str) -> None:
    data = pipeline.process_data({kind: [RECORDS[kind]]})
    assert data[kind].schema == ANONYMISED_SCHEMAS[kind]
    names = [*ANONYMISED_SCHEMAS[kind].names, *LINE_SCHEMA.names]
    assert data.with_lines(kind).column_names == names


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_with_required_columns_only_is_enough(
    pipeline: AnonymizationPipeline, kind: str
) -> None:
    required = {name: RECORDS[kind][name] for name in CONTRACTS[kind].required}
    row = one(pipeline.process_data({kind: [required]}), kind)
    closed = {"industry_category", "org_size_category", "region", "age_band", "gender"}
    for name in row.keys() & {*closed, "device_type", "status", "assessment_type", "instrument"}:
        assert row[name] == "unknown"


@pytest.mark.parametrize("kind", KINDS)
def test_frames_tables_and_dicts_give_the_same(pipeline: AnonymizationPipeline, kind: str) -> None:
    rows = [RECORDS[kind], RECORDS[kind]]
    wanted = pipeline.process_data({kind: rows})[kind]
    table = pa.Table.from_pylist(rows)
    for frame in (
        pd.DataFrame(rows),
        table,
        table.to_batches()[0],
        pd.DataFrame(rows, dtype=object),
    ):
        assert pipeline.process_data({kind: frame})[kind].equals(wanted)
    encoded = pa.table(
        {
            name: column.dictionary_encode() if column.type == pa.string() else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    )
    assert pipeline.process_data({kind: encoded})[kind].equals(wanted)


def test_dicts_may_differ_in_their_keys(pipeline: AnonymizationPipeline) -> None:
    bare = {"response_id": "r2", "assessment_id": "a1", "started_at": DAY}
    data = pipeline.process_data({"responses": [bare, {**bare, "gender": "m", "extra": 1}]})
    assert data["responses"]["gender"].to_pylist() == ["unknown", "male"]
    assert data.dropped_columns["responses"] == {"extra"}


def test_a_column_named_like_a_person_is_not_named(pipeline: AnonymizationPipeline) -> None:
    data = pipeline.process_data({"scores": [{**SCORE, "ada@example.org": 1, "shoe_size": 39}]})
    assert data.dropped_columns["scores"] == {"<an e-mail address>", "shoe_size"}


def test_uuids_as_identifiers_count_by_their_text(pipeline: AnonymizationPipeline) -> None:
    identifier = uuid.uuid4()
    row = {**ANSWER, "response_id": identifier}
    for frame in ([row], pd.DataFrame([row])):
        found = one(pipeline.process_data({"question_responses": frame}), "question_responses")
        assert found["response_hash"] == pseudonym("response", str(identifier))


@pytest.mark.parametrize(
    ("respondent_id", "email", "identifier"),
    [
        ("p1", "ada@example.org", "p1"),
        (None, " Ada@EXAMPLE.org ", "ada@example.org"),
        ("  ", "ada@example.org", "ada@example.org"),
        (None, None, None),
        (None, "", None),
    ],
)
def test_a_respondent_is_known_by_id_else_by_email(
    pipeline: AnonymizationPipeline, respondent_id: str, email: str, identifier: str | None
) -> None:
    row = {**RESPONSE, "respondent_id": respondent_id, "email": email}
    found = one(pipeline.process_data({"responses": [row]}), "responses")["respondent_hash"]
    assert found == (identifier and pseudonym("respondent", identifier))


def test_a_device_is_told_by_word_else_by_user_agent(pipeline: AnonymizationPipeline) -> None:
    agent = RESPONSE["user_agent"]
    cases = [
        ("tablet", agent, "tablet"),
        ("toaster", agent, "mobile"),
        (None, "gibberish", "unknown"),
        ("Windows", "gibberish", "desktop"),
    ]
    rows = [{**RESPONSE, "device_type": word, "user_agent": text} for word, text, _ in cases]
    data = pipeline.process_data({"responses": rows})
    assert data["responses"]["device_type"].to_pylist() == [device for *_, device in cases]
    assert data.repairs["responses"] == {
        "device_type:not_in_vocabulary": 1,
        "user_agent:not_in_vocabulary": 1,
    }


def test_repairs_of_both_judges_are_counted_for_accepted_rows(
    pipeline: AnonymizationPipeline,
) -> None:
    odd = {"gender": "Reptilian", "country": "Atlantis", "age": 130, "birth_year": None}
    rows = [{**RESPONSE, **odd}, {**RESPONSE, **odd, "started_at": "soon"}]
    data = pipeline.process_data({"responses": rows})
    assert data.repairs["responses"] == {
        "gender:not_in_vocabulary": 1,
        "country:not_in_vocabulary": 1,
        "age:out_of_range": 1,
    }
    young = pipeline.process_data({"responses": [{**RESPONSE, "birth_year": 2024}]})
    assert young.repairs["responses"] == {"birth_year:out_of_range": 1}
    assert one(young, "responses")["age_band"] == "unknown"


def test_refused_rows_are_listed_and_kept_apart(pipeline: AnonymizationPipeline) -> None:
    rows = [ANSWER, {**ANSWER, "value": "Ada Lovelace"}, {**ANSWER, "response_id": ""}]
    data = pipeline.process_data({"question_responses": rows})
    assert data["question_responses"].num_rows == 1
    assert [(r.kind, r.line, r.rule, r.column, r.value) for r in data.rejected] == [
        ("question_responses", 2, "not_a_number", "value", "<text of 12 characters>"),
        ("question_responses", 3, "missing_key", "response_id", ""),
    ]
    assert data.with_lines("question_responses").num_rows == 3


def test_an_item_code_that_could_be_a_person_refuses_its_row(
    pipeline: AnonymizationPipeline,
) -> None:
    codes = ["E1", "Ada Lovelace", "ada@example.org"]
    rows = [{**ANSWER, "question_id": code} for code in codes]
    data = pipeline.process_data({"question_responses": rows})
    assert data["question_responses"]["question_id"].to_pylist() == ["E1"]
    assert [(r.line, r.rule, r.value) for r in data.rejected] == [
        (2, "unknown_item", "<text of 12 characters>"),
        (3, "unknown_item", "<an e-mail address>"),
    ]


def test_open_texts_that_are_no_labels_become_unknown(pipeline: AnonymizationPipeline) -> None:
    row = {**VALIDATION, "primary_model": "Ada Lovelace", "secondary_model": "192.0.2.1"}
    data = pipeline.process_data({"ai_validations": [row]})
    found = one(data, "ai_validations")
    assert (found["primary_model"], found["secondary_model"]) == ("unknown", "unknown")
    assert sum(data.repairs["ai_validations"].values()) == 2


def searchable(table: pa.Table) -> bytes:
    """Every byte of a table: columns, dictionaries and schema, uncompressed."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue() + repr(table.to_pylist()).encode()


def canaries(kind: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Records with something personal planted in one column, and what was planted."""
    plants = ["Canary Birdsong", "canary@birds.example", "+49 151 99887766", "198.51.100.77"]
    for column in CONTRACTS[kind].columns:
        for plant in plants:
            yield {**RECORDS[kind], column.name: plant}, plant
    for plant in plants:
        yield {**RECORDS[kind], "free_text_remark": plant}, plant


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_planted_survives(pipeline: AnonymizationPipeline, kind: str) -> None:
    for row, plant in canaries(kind):
        for frame in ([row], pd.DataFrame([row, RECORDS[kind]])):
            data = pipeline.process_data({kind: frame})
            everything = (
                searchable(data[kind])
                + searchable(data.with_lines(kind))
                + repr((data, data.rejected, data.repairs)).encode()
            )
            for part in (plant, *plant.replace("@", " ").split()):
                if len(part) > 3:
                    assert part.encode() not in everything, (row, plant)


@pytest.mark.parametrize("kind", KINDS)
def test_no_identifier_survives(pipeline: AnonymizationPipeline, kind: str) -> None:
    keys = [c.name for c in CONTRACTS[kind].columns if c.type is ColumnType.KEY]
    keys = [name for name in keys if name != "question_id"]
    row = {**RECORDS[kind], **{name: f"CANARY-{name}" for name in keys}}
    data = pipeline.process_data({kind: [row]})
    assert b"CANARY" not in searchable(data.with_lines(kind))


@given(
    st.sampled_from(sorted({c.name for k in KINDS for c in CONTRACTS[k].columns})) | st.none(),
    st.text(alphabet="ABCDEFGabcdefg éß", min_size=6, max_size=30),
)
def test_a_kept_value_is_never_a_free_text(column: str | None, text: str) -> None:
    kept = storable_value(column, f"{text} {text}")
    assert kept is not None
    assert kept.startswith("<")


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("score", "104,5", "104,5"),
        ("value", "n/a", "n/a"),
        ("started_at", "2026-13-45", "2026-13-45"),
        ("question_id", "Q99", "Q99"),
        ("value", "Lovelace", "<text of 8 characters>"),
        ("value", "5551234567", "<a phone number>"),
        ("age", "130", "<number of 3 digits>"),
        ("dimension", "Ada", "<text of 3 characters>"),
        ("response_id", "r1", "<text of 2 characters>"),
        (None, "1,2,3", "<text of 5 characters>"),
        ("score", None, None),
    ],
)
def test_which_refused_values_are_kept(
    column: str | None, value: str | None, kept: str | None
) -> None:
    assert storable_value(column, value) == kept


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_pipeline_returns_passes_the_door(
    pipeline: AnonymizationPipeline, kind: str
) -> None:
    data = pipeline.process_data({kind: [RECORDS[kind]]})
    checked = refuse_identifiable(kind, data[kind])
    assert checked.table.select(ANONYMISED_SCHEMAS[kind].names).equals(data[kind])
    assert checked.table["_rule"].null_count == 1
    assert not checked.repairs


def test_settings_may_be_a_record_a_tree_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = PSEUDONYMS.key_id
    tree = {"privacy": {"pseudonym_key": KEY.hex()}}
    file = tmp_path / "key"
    file.write_text(KEY.hex())
    file.chmod(0o600)
    for settings in (
        tree,
        {"pseudonym_key_file": str(file)},
        AnalyticsConfig.load({}, tree, home=tmp_path),
    ):
        assert AnonymizationPipeline(settings).pseudonymizer.key_id == key_id
    monkeypatch.setenv("ANALYTICS_PSEUDONYM_KEY", KEY.hex())
    assert AnonymizationPipeline().pseudonymizer.key_id == key_id
    with pytest.raises(ConfigurationError, match="pseudonymkey"):
        AnonymizationPipeline({"pseudonymkey": KEY.hex()})


@pytest.mark.parametrize(
    ("operational", "message"),
    [
        ({"response": []}, "did you mean 'responses'"),
        ({"scores": "text"}, "found str"),
        ({"scores": [1]}, "row 1: a dict is expected"),
        ({"scores": [{**SCORE, "dimensions": 1}, 7]}, "row 2"),
        ({"responses": [{"responseid": "r1", "assessment_id": "a1", "started_at": DAY}]}, "mean"),
    ],
)
def test_unusable_input_is_refused(
    pipeline: AnonymizationPipeline, operational: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        pipeline.process_data(operational)


def test_an_unknown_kind_is_refused_by_anonymize() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'scores'"):
        anonymize("score", pa.table({}), PSEUDONYMS)


def test_empty_frames_give_empty_tables(pipeline: AnonymizationPipeline) -> None:
    for kind in KINDS:
        empty = pa.Table.from_pylist([RECORDS[kind]]).slice(0, 0)
        assert pipeline.process_data({kind: empty})[kind].num_rows == 0


def test_answers_keep_the_dictionary_of_their_response_ids() -> None:
    n_responses, n_items = 2000, 50
    ids = pa.array([f"response-{place}" for place in range(n_responses)])
    indices = pa.array(np.repeat(np.arange(n_responses, dtype=np.int32), n_items))
    answers = pa.table(
        {
            "response_id": pa.DictionaryArray.from_arrays(indices, ids),
            "question_id": pa.array(
                [f"E{n}" for n in range(n_items)] * n_responses
            ).dictionary_encode(),
            "value": pa.array(np.full(n_responses * n_items, 3, np.int16)),
        }
    )
    judged = judge("question_responses", answers, 1, now=datetime(2026, 2, 1, tzinfo=UTC))
    table = anonymize("question_responses", judged.table, PSEUDONYMS).table
    hashes = table["response_hash"].chunk(0)
    assert hashes.type == pa.dictionary(pa.int32(), pa.binary(16))
    assert len(hashes.dictionary) == n_responses
    assert hashes.dictionary[1].as_py() == pseudonym("response", "response-1")


def test_speed_is_reported(record_property: Any) -> None:
    ids = pa.array([str(place) for place in range(50_000)])
    start = time.perf_counter()
    Pseudonymizer(KEY).many("response", ids)
    seconds = time.perf_counter() - start
    record_property("pseudonym_microseconds", 1e6 * seconds / len(ids))


COMPANIES = [
    {"organization_id": "o1", "industry": "Finance", "employee_count": None},
    {"organization_id": "o2", "industry": None, "employee_count": 5000},
]


@pytest.mark.parametrize("form", [list, pd.DataFrame, pa.Table.from_pylist])
def test_a_frame_of_organizations_names_their_sectors(form: Any) -> None:
    assessments = [
        ASSESSMENT,
        {**ASSESSMENT, "assessment_id": "a2", "organization_id": "o2", "employee_count": None},
        {"assessment_id": "a3", "organization_id": "o3", "created_at": DAY},
    ]
    pipeline = AnonymizationPipeline({"pseudonym_key": KEY.hex()})
    data = pipeline.process_data({"assessments": assessments}, organizations=form(COMPANIES))
    found = data["assessments"].select(["industry_category", "org_size_category"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("Finance", "Medium"),
        ("Technology", "Enterprise"),
        ("unknown", "unknown"),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"organization_id": "o1", "industry": "Fin"}], "unknown industry 'Fin'"),
        ([{"organization": "o1"}], "organization_id is missing"),
        ([{"organization_id": "o1"}, {"organization_id": "o1"}], "there twice"),
        ([{"organization_id": "o1", "sector": "Finance"}], "unknown key 'sector'"),
    ],
)
def test_what_is_wrong_with_organizations_is_named(rows: Any, message: str) -> None:
    pipeline = AnonymizationPipeline({"pseudonym_key": KEY.hex()})
    with pytest.raises(InvalidInput, match=message):
        pipeline.process_data({"assessments": [ASSESSMENT]}, organizations=rows)
