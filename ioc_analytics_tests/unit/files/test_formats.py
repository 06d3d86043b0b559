"""Compressed, foreign, cut and exploding files."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from ioc_analytics.files.batches import Batch
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import LimitsSettings
from ioc_analytics_tests.unit.files.sources import RESPONSES, opened, taken, write

ENDINGS = {"gzip": ".gz", "zstd": ".zst"}


def consume(batch: Batch) -> None:
    for _ in batch.chunks():
        pass


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_files_are_read(tmp_path: Path, compression: str) -> None:
    name = f"responses.csv{ENDINGS[compression]}"
    batch = opened(write(tmp_path / name, RESPONSES, compression))
    assert len(taken(batch).accepted("responses")) == 3
    assert batch.digest() == opened(write(tmp_path / "responses.csv", RESPONSES)).digest()


def test_a_gzip_file_may_have_several_members(tmp_path: Path) -> None:
    head, tail = RESPONSES[:70].encode(), RESPONSES[70:].encode()
    path = write(tmp_path / "responses.csv.gz", gzip.compress(head) + gzip.compress(tail))
    assert len(taken(opened(path)).accepted("responses")) == 3


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_cut_file_is_refused_with_the_byte(tmp_path: Path, compression: str) -> None:
    name = f"responses.csv{ENDINGS[compression]}"
    noise = "".join(f"r{i},a1,DE,2024-01-01 {os.urandom(8).hex()}\n" for i in range(20_000))
    path = write(tmp_path / name, RESPONSES + noise, compression)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidInput, match=rf"{name}: .*ends too early at byte {len(data) // 2};"):
        opened(path)


def test_a_long_file_that_is_cut_is_refused_while_it_is_read(tmp_path: Path) -> None:
    noise = "".join(f"r{i},a1,DE,2024-01-01 {os.urandom(8).hex()}\n" for i in range(120_000))
    path = write(tmp_path / "responses.csv.gz", RESPONSES + noise, "gzip")
    data = path.read_bytes()
    path.write_bytes(data[:-1000])
    batch = opened(path)
    with pytest.raises(InvalidInput, match="ends too early at byte"):
        batch.digest()
    with pytest.raises(InvalidInput, match="ends too early at byte"):
        consume(batch)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    noise = "".join(f"r{i},a1,DE,2024-01-01 {os.urandom(8).hex()}\n" for i in range(20_000))
    path = write(tmp_path / "responses.csv.gz", RESPONSES + noise, "gzip")
    data = bytearray(path.read_bytes())
    data[-4_000:-3_000] = b"\0" * 1_000
    path.write_bytes(bytes(data))
    with pytest.raises(InvalidInput, match="damaged"):
        opened(path).digest()


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_bomb_is_refused_after_a_few_megabytes(tmp_path: Path, compression: str) -> None:
    name = f"responses.csv{ENDINGS[compression]}"
    line = "r1,a1,DE,2024-01-01\n"
    path = write(tmp_path / name, RESPONSES + line * 2_000_000, compression)
    assert path.stat().st_size < 200_000
    with pytest.raises(InvalidInput, match="max_expansion_ratio"):
        opened(path).digest()
    with pytest.raises(InvalidInput, match="max_expansion_ratio"):
        consume(opened(path))


def test_a_small_file_may_shrink_as_it_likes(tmp_path: Path) -> None:
    path = write(tmp_path / "responses.csv.gz", RESPONSES + "\n" * 2_000_000, "gzip")
    assert len(taken(opened(path)).accepted("responses")) == 3


def test_content_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    limits = LimitsSettings(max_expanded_bytes=100)
    with pytest.raises(InvalidInput, match="limits.max_expanded_bytes"):
        opened(write(tmp_path / "responses.csv", RESPONSES), limits=limits)


def test_more_responses_than_the_limit_are_refused(tmp_path: Path) -> None:
    limits = LimitsSettings(max_batch_responses=2)
    with pytest.raises(InvalidInput, match="more than 2 responses.*ANALYTICS_MAX_BATCH_RESPONSES"):
        taken(opened(write(tmp_path / "responses.csv", RESPONSES), limits=limits))


def test_rows_without_weight_in_parquet_are_refused(tmp_path: Path) -> None:
    n_rows = 3_000_000
    column = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), n_rows), ["r1"])
    table = pa.table({"response_id": column, "question_id": column, "value": column.indices})
    path = tmp_path / "question_responses.parquet"
    pyarrow.parquet.write_table(table, path)
    assert path.stat().st_size < 50_000
    limits = LimitsSettings(max_expanded_bytes=10_000_000)
    with pytest.raises(InvalidInput, match="3000000 rows of 3 columns.*max_expanded_bytes"):
        consume(opened(path, limits=limits))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("responses.csv", b"", "responses.csv is empty"),
        ("responses.csv.gz", RESPONSES.encode(), "the name says compression gzip"),
        ("responses.csv", gzip.compress(RESPONSES.encode(), mtime=0), "the content is gzip"),
        ("responses.parquet", RESPONSES.encode(), "content is not Parquet"),
        ("responses.csv", b"PAR1 and more", "content is Parquet"),
        ("responses.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("responses.csv", b"PK\x03\x04....", "a ZIP archive or a spreadsheet"),
        ("responses.xlsx", b"PK\x03\x04....", "a ZIP archive or a spreadsheet"),
        ("responses.txt", RESPONSES.encode(), "of no known format; give it as CSV"),
        ("responses.parquet.gz", gzip.compress(b"PAR1", mtime=0), "Parquet is compressed inside"),
    ],
)
def test_what_is_not_what_it_says_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        opened(write(tmp_path / name, content))
