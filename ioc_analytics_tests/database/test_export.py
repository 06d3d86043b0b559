"""Exports: the same rows in every format, harmless to a spreadsheet, or nothing at all."""

import csv
import gzip
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import (
    ConfigurationError,
    IntegrityFailure,
    InvalidInput,
    PrivacyRefusal,
)
from ioc_analytics_tests.fixtures.batches import assessment, response, scores, write_batch

ROWS = """
SELECT n, n / 4.0::float8 AS share, 'a "quoted", é' || E'\\n' || n AS text, NULL::text AS nothing,
    '' AS empty, timestamptz '2024-03-05 10:00:00.5+00' AS at, n > 1 AS flag,
    ARRAY[1, n] AS list, '{"a": 1}'::json AS doc
FROM generate_series(1, 3) AS n -- a comment at the end
"""


@pytest.fixture
def exporting(analytics: AnalyticsSystem, tmp_path: Path) -> Any:
    """A system that exports to a folder of this test's own."""
    config = analytics.config.replace(exports={"path": tmp_path / "out"})
    with AnalyticsSystem(config) as system:
        yield system


def test_every_format_has_the_same_rows(exporting: AnalyticsSystem) -> None:
    moment = datetime(2024, 3, 5, 10, 0, 0, 500_000, tzinfo=UTC)
    result = exporting.export_data(ROWS)
    lines = list(csv.reader(io.StringIO(result.path.read_text(), newline="")))
    assert result.row_count == 3
    assert lines[0] == ["n", "share", "text", "nothing", "empty", "at", "flag", "list", "doc"]
    assert lines[2][:5] == ["2", "0.5", 'a "quoted", é\n2', "", ""]
    assert ',,"",' in result.path.read_text()  # NULL and an empty text can be told apart
    for form in ("json", "jsonl"):
        text = exporting.export_data(ROWS, (), form).path.read_text()
        rows = json.loads(text) if form == "json" else [json.loads(r) for r in text.splitlines()]
        assert [row["n"] for row in rows] == [1, 2, 3]
        assert rows[1]["text"] == 'a "quoted", é\n2'
        assert rows[1]["nothing"] is None
        assert (rows[1]["list"], rows[1]["doc"], rows[1]["flag"]) == ([1, 2], {"a": 1}, True)
    table = pq.read_table(exporting.export_data(ROWS, (), "parquet").path)
    with pa.ipc.open_stream(exporting.export_data(ROWS, (), "arrow").path) as reader:
        assert reader.read_all().equals(table)
    assert table.to_pylist()[0]["at"] == moment
    assert table["nothing"].null_count == 3
    assert table["empty"].to_pylist() == ["", "", ""]
    assert table["flag"].to_pylist() == [False, True, True]
    book = zipfile.ZipFile(exporting.export_data(ROWS, (), "xlsx").path)
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 4


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet", "arrow", "xlsx"])
def test_no_rows_make_a_whole_file(exporting: AnalyticsSystem, form: str) -> None:
    result = exporting.export_data("SELECT 1 AS a WHERE false", (), form)
    assert (result.row_count, result.path.exists()) == (0, True)
    if form == "json":
        assert json.loads(result.path.read_text()) == []
    if form == "parquet":
        assert pq.read_table(result.path).column_names == ["a"]


def test_rows_of_a_single_null_are_rows(exporting: AnalyticsSystem) -> None:
    statement = "SELECT NULL::int AS a FROM generate_series(1, 5)"
    assert pq.read_table(exporting.export_data(statement, (), "parquet").path).num_rows == 5


def test_texts_come_through_as_they_are(exporting: AnalyticsSystem) -> None:
    texts = ["a\\b", '\\\\"', "(x, y)", ' "" ', "a\r\nb", "\\N", "", "é,;", "''"]
    statement = "SELECT t FROM unnest($1::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n"
    text = exporting.export_data(statement, [texts]).path.read_bytes().decode()
    assert [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:] == texts
    for form in ("parquet", "jsonl"):
        path = exporting.export_data(statement, [texts], form).path
        if form == "parquet":
            assert pq.read_table(path)["t"].to_pylist() == texts
        else:
            assert [json.loads(row)["t"] for row in path.read_text().splitlines()] == texts


def test_a_spreadsheet_executes_nothing(exporting: AnalyticsSystem) -> None:
    evil = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "plain", "a=1"]
    statement = 'SELECT text AS "=head", -5 AS number FROM unnest($1::text[]) AS text'
    read = list(
        csv.reader(
            io.StringIO(exporting.export_data(statement, [evil]).path.read_text(), newline="")
        )
    )
    assert read[0] == ["'=head", "number"]
    assert [row[0] for row in read[1:]] == [*("'" + text for text in evil[:5]), *evil[5:]]
    assert read[1][1] == "-5"  # a number stays one
    book = zipfile.ZipFile(exporting.export_data(statement, [evil], "xlsx").path)
    assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
    # Only files for spreadsheets are changed.
    table = pq.read_table(exporting.export_data(statement, [evil], "parquet").path)
    assert table["=head"].to_pylist() == evil


def test_the_manifest_tells_what_the_file_is(exporting: AnalyticsSystem) -> None:
    statement = "SELECT count(*) AS n FROM anonymized_assessments WHERE region <> $1"
    options = {"filename": "n.csv", "compression": "gzip", "include_headers": False}
    result = exporting.export_data(statement, ["x"], "csv", options)
    assert result.filename == "n.csv.gz"
    assert gzip.decompress(result.path.read_bytes()) == b"0\n"
    assert result.checksum == hashlib.sha256(result.path.read_bytes()).hexdigest()
    beside = json.loads(result.path.with_name("n.csv.gz.manifest.json").read_text())
    assert beside == result.to_dict()["manifest"]
    assert beside["query"] == statement
    assert beside["parameters"] == ["x"]
    assert beside["row_count"] == 1
    assert beside["sha256"] == result.checksum
    assert beside["columns"] == [{"name": "n", "type": "int8"}]
    assert "analytics.anonymized_assessments" in beside["tables"]
    assert "internal.schema_history" in beside["data_versions"]


def test_zstd_can_be_read_by_arrow(exporting: AnalyticsSystem) -> None:
    result = exporting.export_data(ROWS, (), "jsonl", {"compression": "zstd"})
    with pa.CompressedInputStream(pa.OSFile(str(result.path)), "zstd") as stream:
        assert stream.read().count(b"\n") == 3


def test_the_export_of_the_request_runs_as_printed(
    exporting: AnalyticsSystem, tmp_path: Path
) -> None:
    records = {
        "assessments": [assessment()],
        "responses": [response()],
        "scores": scores(),
    }
    exporting.ingest_files(write_batch(tmp_path / "in", records))
    statement = """
      SELECT
        dimension,
        score,
        industry_category,
        org_size_category,
        time_spent_seconds,
        completion_percentage
      FROM anonymized_assessment_scores s
      JOIN anonymized_assessment_responses r ON s.response_hash = r.id
      JOIN anonymized_assessments a ON s.assessment_hash = a.id
      WHERE s.created_at >= $1
    """
    result = exporting.export_data(statement, [datetime(2024, 1, 1)], "json")  # noqa: DTZ001
    rows = json.loads(result.path.read_text())
    assert result.row_count == len(rows) == 5
    assert rows[0]["industry_category"] == "Technology"
    assert set(result.manifest["data_versions"]) >= {
        "analytics.anonymized_assessment_scores",
        "analytics.anonymized_assessment_responses",
        "analytics.anonymized_assessments",
    }


@pytest.mark.parametrize(
    ("form", "options", "said"),
    [
        ("cvs", {}, "did you mean 'csv'"),
        ("csv", {"compression": "gzp"}, "did you mean 'gzip'"),
        ("csv", {"filename": "../x.csv"}, "no folder"),
        ("csv", {"filename": ".hidden"}, "no folder"),
        ("csv", {"file_name": "x"}, "did you mean 'filename'"),
        ("parquet", {"compression": "gzip"}, "inside"),
    ],
)
def test_wrong_options_are_refused(
    exporting: AnalyticsSystem, form: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        exporting.export_data("SELECT 1 AS a", (), form, options)
    assert not exporting.config.exports.path.exists()


def test_a_failed_export_leaves_nothing(exporting: AnalyticsSystem) -> None:
    folder = exporting.config.exports.path
    with pytest.raises(IntegrityFailure, match="does not answer alike"):
        exporting.export_data("SELECT n FROM generate_series(1, 10000) n WHERE random() < 0.5")
    with pytest.raises(InvalidInput, match=r"1,048,576 rows.*1,048,575"):
        exporting.export_data("SELECT n FROM generate_series(1, 1048576) n", (), "xlsx")
    with pytest.raises(InvalidInput, match="division by zero"):
        exporting.export_data("SELECT 1 / (3 - n) AS a FROM generate_series(1, 3) n")
    with pytest.raises(InvalidInput, match="several columns"):
        exporting.export_data("SELECT 1 AS a, 2 AS a")
    with pytest.raises(PrivacyRefusal):
        exporting.export_data("SELECT * FROM internal.response_registry")
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(
    exporting: AnalyticsSystem, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    config = exporting.config.replace(exports={"path": tmp_path / "file" / "out"})
    with AnalyticsSystem(config) as system, pytest.raises(ConfigurationError, match="EXPORT_FOLD"):
        system.export_data("SELECT 1 AS a")


def test_exports_are_audited_with_their_rows(exporting: AnalyticsSystem) -> None:
    exporting.export_data(ROWS, (), "csv", {"filename": "three.csv"})
    with exporting.database.connection("auditor") as connection:
        rows = connection.execute(
            "SELECT action, object, row_count FROM audit_log WHERE action LIKE 'export%' "
            "ORDER BY sequence"
        ).fetchall()
    assert rows == [("export", "csv", None), ("exported", "three.csv", 3)]


def test_a_stream_has_all_rows_in_batches(analytics: AnalyticsSystem) -> None:
    batches = list(
        analytics.query_interface.stream(
            "SELECT n, 'x' || n AS t FROM generate_series(1, $1::int) AS n", [50_000]
        )
    )
    assert len(batches) > 1
    assert sum(batch.num_rows for batch in batches) == 50_000
    assert batches[-1].to_pylist()[-1] == {"n": 50_000, "t": "x50000"}
    # A stream that is left early gives its connection back, ready for the next.
    stream = analytics.query_interface.stream("SELECT n FROM generate_series(1, 10000000) AS n")
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]
    assert analytics.query("SELECT 1 AS a").data == [{"a": 1}]


def test_json_says_what_the_server_says_of_every_type(exporting: AnalyticsSystem) -> None:
    statement = """
        SELECT n, n::int2 AS small, 3000000000 + n AS big, n / 3.0 AS exact,
            (n / 3.0)::float4 AS short,
            ('{NaN,Infinity,-Infinity,1e300,-0}'::float8[])[n] AS number, n % 2 = 0 AS flag,
            ('{plain,"qu\\"ote","back\\\\slash",NULL,"{\\"a\\": 1}"}'::text[])[n] AS text,
            E'line\\nbreak\\ttab' || chr(1) || 'é' AS control, '' AS empty, NULL AS nothing,
            'x'::char(3) AS padded, gen.id, date '2024-02-29' + n AS day,
            time '10:00:00.5' AS clock,
            interval '1 day 2 hours' AS span, timestamp '2024-03-05 10:00' AS naive,
            timestamptz '2024-03-05 10:00:00.123456+02' AS moment,
            ('{infinity,-infinity,2024-01-01}'::timestamptz[])[n] AS edge,
            ('{openness,neuroticism}'::analytics.ocean_dimension[])[n] AS trait,
            ARRAY['a', NULL, E'b\\n"c"'] AS list, '{"b" : [1, "x\\ny"]}'::json AS doc,
            '{"b": null}'::jsonb AS binary, ROW(1, 'a')::text AS row, '\\xdead'::bytea AS bytes,
            int4range(1, n + 1) AS "a ""range"", é"
        FROM generate_series(1, 5) AS n,
            (SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id) AS gen"""
    wanted = exporting.query(f"SELECT row_to_json(q)::text AS j FROM ({statement}) AS q").data
    for parameters in ((), ["x"]):
        asked = statement if not parameters else f"{statement} WHERE $1::text = 'x'"
        path = exporting.export_data(asked, parameters, "jsonl").path
        found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert found == [json.loads(row["j"]) for row in wanted]
    whole = exporting.export_data(statement, (), "json").path.read_text("utf-8")
    assert json.loads(whole) == found
