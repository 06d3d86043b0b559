import csv
import gzip
import io
import uuid
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.privacy.detector import Finding, find_identifiable, finding_of, first_finding
from ioc_analytics.privacy.labels import read_labels
from ioc_analytics_tests.fixtures.real_data import real_data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("jo@example.org", Finding.EMAIL),
        ("Jo <a.b+c@mail.example.co.uk>", Finding.EMAIL),
        ("josé@exämple.de", Finding.EMAIL),
        ("ｊｏ＠example.org", Finding.EMAIL),
        ("192.168.0.1", Finding.IP_ADDRESS),
        ("１９２.１６８.0.1", Finding.IP_ADDRESS),
        ("seen from 10.0.0.1.", Finding.IP_ADDRESS),
        ("192.168.0.1:8080", Finding.IP_ADDRESS),
        ("::1", Finding.IP_ADDRESS),
        ("2001:db8::1", Finding.IP_ADDRESS),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", Finding.IP_ADDRESS),
        ("::ffff:10.0.0.1", Finding.IP_ADDRESS),
        ("+49 151 12345678", Finding.PHONE),
        ("+4915112345678", Finding.PHONE),
        ("+49.151.1234567", Finding.PHONE),
        ("+1-202-555-0143", Finding.PHONE),
        ("(202) 555-0143", Finding.PHONE),
        ("202.555.0143", Finding.PHONE),
        ("0151 12345678", Finding.PHONE),
        ("01 23 45 67 89", Finding.PHONE),
        ("tel 030/1234567", Finding.PHONE),
        ("call 020 7946 0958", Finding.PHONE),
        ("004915112345678", Finding.PHONE),
        ("5551234567", Finding.PHONE),
    ],
)
def test_identifiable_texts_are_found(text: str, kind: Finding) -> None:
    assert finding_of(text) is kind


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "E1", "big_five", "IPIP-NEO_300", "ipip50", "a@b", "std::string", "10:30:00"),
        *("2024-05-01", "2024-05-01T10:00:00Z", "2024-05-01 10:00:00.123456+02:00", "2024-W05"),
        *("01-05-2024", "01/05/2024", "20240115", "20240115103000"),
        *("1.2.3", "v1.2.3.4", "1.2.3.4.5", "gpt-4o-2024-08-06", "claude-3.5"),
        *("llama3.1-70b-instruct", "model-20240115123456", "text-embedding-3-large"),
        *("1", "100000", "12345678", "0.5", "1e-10", "3.14159265358979", "-0.000123456789"),
        *("1,234,567.89", "+1.23456789012", "99.99%"),
        *("12345678-1234-8234-8234-123456789012", "550e8400-e29b-41d4-a716-446655440000"),
    ],
)
def test_harmless_texts_are_let_through(text: str) -> None:
    assert finding_of(text) is None


@given(st.uuids())
def test_no_uuid_is_a_finding(value: uuid.UUID) -> None:
    assert finding_of(str(value)) is None


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 hypothesis wants naive bounds
def test_no_iso_time_is_a_finding(value: datetime) -> None:
    aware = value.replace(tzinfo=UTC)
    for text in (value.isoformat(), aware.isoformat(), aware.isoformat(" "), str(value.date())):
        assert finding_of(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e8, max_value=1e8))
def test_no_decimal_is_a_finding(value: float) -> None:
    assert finding_of(repr(value)) is None


@given(st.emails())
def test_every_plain_email_is_found(email: str) -> None:
    local, _, domain = email.partition("@")
    if local.replace(".", "").isalnum() and domain.rpartition(".")[2].isalpha():
        assert finding_of(email) is Finding.EMAIL


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_is_found(address: object) -> None:
    assert finding_of(str(address)) is Finding.IP_ADDRESS


@given(st.ip_addresses(v=6).filter(lambda address: address.packed != bytes(16)))
def test_every_ipv6_address_is_found(address: object) -> None:
    assert finding_of(str(address)) is Finding.IP_ADDRESS


def test_columns_are_searched_row_by_row() -> None:
    values = pa.array(["ok", None, "jo@example.org", "10.0.0.1", "ok"])
    found = [None, None, "an e-mail address", "an IP address", None]
    assert find_identifiable(values).to_pylist() == found
    assert find_identifiable(values.dictionary_encode()).to_pylist() == found
    assert first_finding(values) == (2, Finding.EMAIL)
    assert first_finding(pa.array(["ok", None])) is None
    assert first_finding(pa.array([], pa.string())) is None


def test_labels_are_words_without_anything_identifiable() -> None:
    texts = ["Big-Five", " 360 ", "Ada Lovelace", "10.0.0.1", "x" * 65, "", None, "a/b:c"]
    read = read_labels(pa.array(texts), is_lowered=True)
    assert read.values.to_pylist() == ["big-five", "360", *["unknown"] * 6]
    assert read.not_understood.to_pylist() == [False, False, True, True, True, False, False, True]
    models = read_labels(pa.array(["vendor/model:7b"]), has_path_marks=True)
    assert models.values.to_pylist() == ["vendor-model-7b"]


@pytest.mark.parametrize(
    ("file", "delimiter"),
    [
        ("big5_2012/big5.tsv.gz", "\t"),
        ("ipip_ffm_2016/ffm.tsv.gz", "\t"),
        ("ipip50_grit/grit.tsv.gz", "\t"),
        ("ipip_neo300/neo300.csv.gz", ","),
        ("bfi_sapa/bfi.csv.gz", ","),
        ("timed_test_2019/fsiq.csv.gz", ","),
        ("org_sector_size/datapro.csv.gz", ","),
    ],
)
def test_answers_times_and_categories_of_real_files_are_let_through(
    file: str, delimiter: str
) -> None:
    text = gzip.decompress(real_data(file).read_bytes()).decode("utf-8", errors="replace")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    free_text = {"SalaryUSD", "JobTitle", "OtherDatabases", "OtherJobDuties"}
    for name in set(rows[0]) - free_text:
        values = pa.array([row[name] for row in rows], pa.string())
        # A slip of the keyboard in a number column is long enough for a phone number.
        found = find_identifiable(values).drop_null().to_pylist()
        assert len(found) <= 2, name
        assert set(found) <= {"a phone number"}, name
