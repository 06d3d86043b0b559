"""Files and folders as batches."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics_tests.unit.files.sources import RESPONSES, opened, taken, write

ANSWERS = "response_id,question_id,value\nr1,E1,4\nr1,E2,x\nr9,E1,3\n"
ASSESSMENTS = "assessment_id,organization_id,created_at\na1,o1,2024-01-01\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "march"
    path.mkdir()
    write(path / "question_responses_01.csv.gz", ANSWERS, "gzip")
    write(path / "responses-2024.tsv", RESPONSES.replace(",", "\t"))
    write(path / "assessments.csv", ASSESSMENTS)
    return path


def test_a_folder_is_read_parents_first(folder: Path) -> None:
    write(folder / ".hidden", "x")
    write(folder / "upload.tmp", "x")
    batch = opened(folder)
    result = taken(batch)
    assert batch.name == "march"
    assert result.kinds == ("assessments", "responses", "question_responses")
    assert len(result.accepted("question_responses")) == 2
    assert result.refused("question_responses") == [(3, "not_a_number")]
    assert batch.warnings == ()


def test_the_kind_follows_the_columns_where_the_name_does_not_say(tmp_path: Path) -> None:
    path = write(tmp_path / "export 7.csv", ANSWERS)
    assert taken(opened(path)).kinds == ("question_responses",)


def test_question_responses_are_no_responses(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="question_responses need column 'question_id'"):
        opened(write(tmp_path / "question_responses.csv", RESPONSES))


def test_a_nearly_fitting_file_names_what_lacks(tmp_path: Path) -> None:
    text = RESPONSES.replace("started_at", "start_at")
    with pytest.raises(InvalidInput, match="nearest: responses, .*'started_at'; did you mean 'sta"):
        opened(write(tmp_path / "export.csv", text))


@pytest.mark.parametrize("name", ["readme.txt", "photo.png", "old"])
def test_a_stranger_in_the_folder_is_named(folder: Path, name: str) -> None:
    if name == "old":
        (folder / name).mkdir()
    else:
        write(folder / name, "x")
    with pytest.raises(InvalidInput, match=name):
        opened(folder)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no file or folder"):
        opened(tmp_path / "nothing.csv")
    with pytest.raises(InvalidInput, match="no file to read"):
        opened(tmp_path)


def test_the_digest_follows_content_not_names_or_compression(folder: Path, tmp_path: Path) -> None:
    before = opened(folder).digest()
    assert len(before) == 32
    other = tmp_path / "other"
    other.mkdir()
    write(other / "question_responses.csv", ANSWERS)
    write(other / "responses.tsv.zst", RESPONSES.replace(",", "\t"), "zstd")
    write(other / "assessments_x.csv", ASSESSMENTS)
    assert opened(other).digest() == before
    write(other / "question_responses.csv", ANSWERS.replace("r9", "r8"))
    assert opened(other).digest() != before


@pytest.mark.parametrize("moment", ["after opening", "while reading"])
def test_a_file_that_changes_is_refused_for_now(tmp_path: Path, moment: str) -> None:
    path = write(tmp_path / "responses.csv", RESPONSES)
    batch = opened(path, batch_size=1)
    chunks = batch.chunks()
    if moment == "while reading":
        next(chunks)
    with path.open("a") as file:
        file.write("r4,a1,DE,2024-01-01\n")
    with pytest.raises(Unavailable, match="changed while it was read"):
        list(chunks)
    with pytest.raises(Unavailable, match="changed"):
        batch.digest()


def test_a_file_that_goes_is_refused_for_now(tmp_path: Path) -> None:
    path = write(tmp_path / "responses.csv", RESPONSES)
    batch = opened(path)
    path.unlink()
    with pytest.raises(Unavailable, match="has gone"):
        taken(batch)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "responses.csv")
    with pytest.raises(InvalidInput, match="no regular file"):
        opened(tmp_path)


def test_parquet_keeps_types_and_shares_dictionaries(tmp_path: Path) -> None:
    ids = [f"r{i // 5}" for i in range(1000)]
    table = pa.table(
        {
            "response_id": pa.array(ids),
            "question_id": pa.array(["E1", "E2", "E3", "E4", "E5"] * 200),
            "value": pa.array([1, 2, 3, 4, 5] * 200, pa.int8()),
            "answered_at": pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 1000),
        }
    )
    path = tmp_path / "question_responses.parquet"
    pyarrow.parquet.write_table(table, path)
    chunks = list(opened(path, batch_size=1).chunks())
    assert [chunk.table.num_rows for chunk in chunks] == [32] * 31 + [8]
    assert [chunk.table["_line"][0].as_py() for chunk in chunks[:2]] == [1, 33]
    dictionaries = [chunk.table["response_id"].chunk(0).dictionary for chunk in chunks]
    addresses = {tuple(b.address for b in d.buffers() if b) for d in dictionaries}
    assert len(addresses) == 1
    merged = pa.concat_tables(chunk.table for chunk in chunks)
    assert merged["response_id"].to_pylist() == ids
    assert merged["_rule"].null_count == 1000


def test_a_column_of_a_useless_type_names_file_and_column(tmp_path: Path) -> None:
    table = pa.table({"response_id": ["r"], "question_id": ["E1"], "value": [[1]]})
    path = tmp_path / "question_responses.parquet"
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(InvalidInput, match="question_responses.parquet: column 'value' is of type"):
        taken(opened(path))
