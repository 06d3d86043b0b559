"""CSV and TSV, well-formed and not: every line is accounted for under its own number."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc_analytics.files.readers import open_file
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics_tests.unit.files.sources import LIMITS, RESPONSES, csv_text, opened, taken, write

HEADER = "response_id,assessment_id,country,started_at\n"


def rows_of(path: Path, limits: LimitsSettings = LIMITS) -> tuple[list[tuple[Any, ...]], list[int]]:
    """Return (line, *cells) of all rows, and the lines of the faults."""
    source = open_file(path, path.name, limits)
    rows, faults = [], []
    for chunk in source.chunks(frozenset(source.columns), frozenset(source.columns), 1000):
        cells = [column.to_pylist() for column in chunk.table.columns]
        rows += list(zip(chunk.lines.to_pylist(), *cells, strict=True))
        faults += [fault.line for fault in chunk.faults]
    return rows, faults


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_byte_order_marks(
    tmp_path: Path, delimiter: str, line_end: str, mark: str
) -> None:
    text = mark + RESPONSES.replace(",", delimiter).replace("\n", line_end)
    result = taken(opened(write(tmp_path / "responses.csv", text)))
    assert [row["response_id"] for row in result.accepted("responses")] == ["r1", "r2", "r3"]
    assert [row["_line"] for row in result.accepted("responses")] == [2, 3, 4]
    assert [row["country"] for row in result.accepted("responses")] == ["NA", "DE", None]


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    result = taken(opened(write(tmp_path / "responses.csv", RESPONSES.rstrip("\n"))))
    assert len(result.accepted("responses")) == 3


def test_lines_stay_exact_after_quoted_line_ends_blank_and_ragged_lines(tmp_path: Path) -> None:
    text = (
        'id,"a\nlong name",c\n'  # lines 1 and 2
        'r1,"one\ntwo\nthree",x\n'  # 3 to 5
        "\n"
        "r2,b\n"  # 7: too few
        'r3,"say ""hi"", twice",y\n'
        "r4,b,c,d\n"  # 9: too many
        "r5,,z"
    )
    rows, faults = rows_of(write(tmp_path / "x.csv", text))
    assert rows == [
        (3, "r1", "one\ntwo\nthree", "x"),
        (8, "r3", 'say "hi", twice', "y"),
        (10, "r5", "", "z"),
    ]
    assert faults == [7, 9]


def test_ragged_rows_are_quarantined_not_fatal(tmp_path: Path) -> None:
    text = HEADER + "r1,a1,DE,2024-01-01\nr2,a1\nr3,a1,DE,2024-01-03,extra\n"
    result = taken(opened(write(tmp_path / "responses.csv", text)))
    assert len(result.accepted("responses")) == 1
    refused = [row for row in result.rows["responses"] if row["_rule"]]
    assert [(row["_line"], row["_rule"], row["_value"]) for row in refused] == [
        (3, "wrong_field_count", "2 fields instead of 4"),
        (4, "wrong_field_count", "5 fields instead of 4"),
    ]


def test_a_stray_carriage_return_spoils_only_its_line(tmp_path: Path) -> None:
    text = HEADER + "r1,a1,D\rE,2024-01-01\r\nr2,a1,DE,2024-01-02\r\n"
    result = taken(opened(write(tmp_path / "responses.csv", text)))
    assert result.refused("responses") == [(2, "wrong_field_count")]
    assert len(result.accepted("responses")) == 1


def test_quotes_inside_unquoted_fields_are_plain_characters(tmp_path: Path) -> None:
    text = 'id\tsize\tnote\nr1\t5" disk\tx\nr2\t"quo\nted"\ty\nr3\t3\nr4\t"a"b\tz\n'
    rows, faults = rows_of(write(tmp_path / "x.tsv", text))
    assert rows == [(2, "r1", '5" disk', "x"), (3, "r2", "quo\nted", "y"), (6, "r4", "ab", "z")]
    assert faults == [5]


CELLS = st.one_of(
    st.sampled_from(["", "a", '"', '""', 'x"y', "a,b", "a\nb", "a\r\nb", " ", "é", "NA", "'"]),
    st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=8),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cells=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12),
    delimiter=st.sampled_from([",", "\t", ";"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_writes_is_what_is_read(
    tmp_path: Path, cells: list[tuple[str, str, str]], delimiter: str, line_end: str
) -> None:
    text = csv_text([("a", "b", "c"), *cells], delimiter, line_end)
    path = write(tmp_path / "x.csv", text)
    rows, faults = rows_of(path)
    assert [tuple(row[1:]) for row in rows] == cells
    assert faults == []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    next(reader)
    starts = []
    line = reader.line_num
    for _ in reader:
        starts.append(line + 1)
        line = reader.line_num
    assert [row[0] for row in rows] == starts


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.text('ab,"\n', max_size=40))
def test_any_quotes_are_read_as_the_standard_library_reads_them(tmp_path: Path, body: str) -> None:
    path = write(tmp_path / "x.csv", "h,i\n" + body)
    expected = [row for row in csv.reader(io.StringIO(body, newline="")) if len(row) == 2]
    try:
        rows, _ = rows_of(path)
    except InvalidInput as error:
        assert "never closed" in str(error)
        assert body.count('"') % 2 == 1
    else:
        assert [list(row[1:]) for row in rows] == expected


def test_blocks_are_joined_seamlessly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[f"r{i}", 'q"\n,' * (i % 3), "x" * (i % 50)] for i in range(500)]
    path = write(tmp_path / "x.csv", csv_text([["a", "b", "c"], *rows]))
    whole, _ = rows_of(path)
    monkeypatch.setattr("ioc_analytics.files.streams.ByteStream.read.__defaults__", (97,))
    pieces, _ = rows_of(path)
    assert pieces == whole
    assert [list(row[1:]) for row in pieces] == rows


def test_a_delimiter_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "responses.csv", RESPONSES.replace(",", "|"))
    with pytest.raises(InvalidInput, match=r"responses.csv: .*one single column.*'\|'.*comma"):
        opened(path)


def test_a_repeated_header_is_named(tmp_path: Path) -> None:
    text = "response_id,assessment_id,country,country,started_at\nr,a,DE,FR,2024-01-01\n"
    with pytest.raises(InvalidInput, match=r"'country' more than once \(columns 3 and 4\)"):
        opened(write(tmp_path / "responses.csv", text))


def test_a_repeated_name_that_may_be_a_value_is_told_by_its_place(tmp_path: Path) -> None:
    text = "response_id,assessment_id,started_at,Jane Doe,Jane Doe\nr,a,2024-01-01,1,2\n"
    with pytest.raises(InvalidInput, match=r"same name more than once \(columns 4 and 5\)") as e:
        opened(write(tmp_path / "responses.csv", text))
    assert "Jane" not in str(e.value)


@pytest.mark.parametrize("name", ["responses.csv", "export.csv"])
@pytest.mark.parametrize("first", ["r1,Jane Doe,Acme,Jane Doe", "r1,started,Acme_GmbH,responseid"])
def test_a_file_without_header_does_not_print_its_first_row(
    tmp_path: Path, name: str, first: str
) -> None:
    path = write(tmp_path / name, f"{first}\nr2,John Doe,Acme,John\n")
    with pytest.raises(InvalidInput, match="4 columns, none of a known name; is the header") as e:
        opened(path)
    assert not [value for value in first.split(",") if repr(value) in str(e.value)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "responses.csv", RESPONSES.encode(encoding))
    with pytest.raises(InvalidInput, match="UTF-16"):
        opened(path)


def test_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    text = HEADER + "r1,a1,DE,2024-01-01\nr2,a1,Österreich,2024-01-02\n"
    path = write(tmp_path / "responses.csv", text.encode("latin-1"))
    with pytest.raises(InvalidInput, match=r"responses.csv: line 3 is not UTF-8 \(byte 0xd6") as e:
        taken(opened(path))
    assert "sterreich" not in str(e.value)


def test_a_nul_byte_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "responses.csv", RESPONSES + "r4,a1,D\0E,2024-01-01\n")
    with pytest.raises(InvalidInput, match="line 5 holds a NUL byte"):
        taken(opened(path))


def test_line_ends_of_old_macintoshes_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="CR alone"):
        opened(write(tmp_path / "responses.csv", RESPONSES.replace("\n", "\r")))


@pytest.mark.parametrize("bad", ["r9,a1,{},2024-01-01\n", 'r9,a1,"{}"x,2024-01-01\n'])
def test_a_line_without_end_is_refused(tmp_path: Path, bad: str) -> None:
    limits = LimitsSettings(max_line_bytes=1000)
    path = write(tmp_path / "responses.csv", RESPONSES + bad.format("x" * 5000))
    with pytest.raises(InvalidInput, match=r"line 5 .*max_line_bytes"):
        taken(opened(path, limits=limits))


def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "responses.csv", RESPONSES + 'r9,a1,"DE,2024-01-01\nr10,a1\n')
    with pytest.raises(InvalidInput, match="line 5 is never closed"):
        taken(opened(path))


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    limits = LimitsSettings(max_columns=3)
    with pytest.raises(InvalidInput, match=r"4 columns, more than limits.max_columns \(3\)"):
        opened(write(tmp_path / "responses.csv", RESPONSES), limits=limits)


def test_a_header_alone_is_an_empty_batch(tmp_path: Path) -> None:
    assert taken(opened(write(tmp_path / "responses.csv", HEADER))).rows == {}
