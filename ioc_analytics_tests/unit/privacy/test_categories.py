import csv
import gzip
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.privacy.bands import age_bands, read_gender, size_bands
from ioc_analytics.privacy.columns import closed, read_column
from ioc_analytics.privacy.devices import read_device, read_user_agent
from ioc_analytics.privacy.industries import read_industry
from ioc_analytics.privacy.reference import reference_rows
from ioc_analytics.privacy.regions import read_country
from ioc_analytics.records.vocabularies import (
    AGE_BANDS,
    DEVICES,
    GENDERS,
    INDUSTRIES,
    REGIONS,
    SIZE_BANDS,
)
from ioc_analytics_tests.fixtures.real_data import real_data

_ISO_3166 = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
ISO_ALPHA_2 = _ISO_3166.split()


def ages(age: int | None, birth_year: int | None, year: int | None) -> tuple[str, bool]:
    columns = [pa.array([value], pa.int32()) for value in (age, birth_year, year)]
    bands, is_unusable = age_bands(*columns)
    return bands[0].as_py(), is_unusable[0].as_py()


@given(st.integers(-(2**31), 2**31 - 1))
def test_an_age_falls_into_the_band_that_names_it(age: int) -> None:
    band, is_unusable = ages(age, None, 2026)
    assert is_unusable == (band == "unknown") == (not 10 <= age <= 100)
    if band == "under_18":
        assert age < 18
    elif band == "65_plus":
        assert age >= 65
    elif band != "unknown":
        low, high = band.split("_")
        assert int(low) <= age <= int(high)


@given(st.integers(1900, 2100), st.integers(1990, 2030))
def test_a_year_of_birth_counts_by_the_year_of_the_row(birth_year: int, year: int) -> None:
    assert ages(None, birth_year, year) == ages(year - birth_year, None, None)


def test_the_stated_age_beats_the_year_of_birth_and_nothing_is_unknown() -> None:
    assert ages(30, 1950, 2026) == ("25_34", False)
    assert ages(None, None, 2026) == ("unknown", False)
    assert ages(None, 1990, None) == ("unknown", True)


@given(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)))
def test_a_company_falls_into_the_band_of_its_size(employees: int | None) -> None:
    bands, is_unusable = size_bands(pa.array([employees], pa.int64()))
    limits = {"Micro": 1, "Small": 10, "Medium": 50, "Large": 250, "Enterprise": 1000}
    expected = "unknown"
    for band, lowest in limits.items():
        if employees is not None and employees >= lowest:
            expected = band
    assert bands[0].as_py() == expected
    assert is_unusable[0].as_py() == (employees is not None and employees < 1)


@pytest.mark.parametrize(
    ("gender", "texts"),
    [
        ("female", ["f", "F", "Female ", "Woman", "cis female", "cis-female/femme", "2", "2.0"]),
        ("female", ["Trans woman", "Female (trans)", "femail", "Femake", "weiblich"]),
        ("male", ["M", "Male ", "man", "Cis Man", "Male (CIS)", "msle", "Mail", "1", "FtM male"]),
        ("other", ["Enby", "non-binary", "Non-binary/third gender", "queer/she/they", "3", "d"]),
        ("other", ["Genderqueer", "male leaning androgynous", "Agender", "transgender", "X"]),
        ("unknown", ["Reptilian", "Male-ish", "p", "Ada Lovelace", "42"]),
        ("unknown", ["There are only two genders, either male or female. I am a male."]),
    ],
)
def test_genders_as_people_type_them(gender: str, texts: list[str]) -> None:
    for text in texts:
        assert read_gender(text).category == gender, text
        assert read_gender(text).is_understood == (gender != "unknown"), text


@pytest.mark.parametrize("text", ["", "0", "9", "Prefer not to say", "Not Asked", "n/a", "NA"])
def test_no_answer_about_gender_is_no_fault(text: str) -> None:
    read = read_gender(text)
    assert (read.category, read.is_understood) == ("unknown", True)


@pytest.mark.parametrize("code", ISO_ALPHA_2)
def test_every_iso_country_has_a_region_by_both_codes_and_name(code: str) -> None:
    row = next(row for row in reference_rows("regions.csv") if row["alpha_2"] == code)
    region = read_country(code).category
    assert region in set(REGIONS) - {"unknown"}
    assert read_country(row["alpha_3"]).category == region
    assert read_country(row["name"]).category == region
    assert read_country(row["name"].upper()).category == region
    if code != "NA":
        assert read_country(f" {code.lower()} ").category == region


def test_there_are_249_countries() -> None:
    assert len(ISO_ALPHA_2) == 249


@pytest.mark.parametrize(
    ("country", "region"),
    [
        *[("NA", "Southern Africa"), ("NAM", "Southern Africa"), ("Namibia", "Southern Africa")],
        *[("UK", "Northern Europe"), ("USA", "Northern America"), ("u.s.", "Northern America")],
        *[("Bahamas, The", "Caribbean"), ("Columbia", "South America"), ("EL", "Southern Europe")],
        *[("TW", "Eastern Asia"), ("Kosovo", "Southern Europe"), ("CY", "Western Asia")],
        *[("Côte d'Ivoire", "Western Africa"), ("cote d ivoire", "Western Africa")],
        *[("AN", "Caribbean"), ("NR", "Micronesia"), ("Türkiye", "Western Asia")],
        *[("Turkey", "Western Asia"), ("Russia", "Eastern Europe"), ("Iran", "Southern Asia")],
    ],
)
def test_decided_and_odd_spellings(country: str, region: str) -> None:
    assert read_country(country).category == region


@pytest.mark.parametrize("text", ["A1", "A2", "EU", "AP", "NONE", "na", "N/A", "", " ", "Unknown"])
def test_a_stated_absence_of_country_is_no_fault(text: str) -> None:
    read = read_country(text)
    assert (read.category, read.is_understood) == ("unknown", True)


@pytest.mark.parametrize("text", ["(nu", "Q7", "Atlantis", "Ada Lovelace", "12"])
def test_a_country_that_does_not_exist_is_a_fault(text: str) -> None:
    read = read_country(text)
    assert (read.category, read.is_understood) == ("unknown", False)


@pytest.mark.parametrize(
    ("file", "delimiter", "column"),
    [
        ("big5_2012/big5.tsv.gz", "\t", "country"),
        ("ipip_ffm_2016/ffm.tsv.gz", "\t", "country"),
        ("ipip50_grit/grit.tsv.gz", "\t", "country"),
        ("ipip_neo300/neo300.csv.gz", ",", "country"),
        ("temperament_tipi/fti.tsv.gz", "\t", "country"),
        ("tipi_pwe/pwe.tsv.gz", "\t", "country"),
        ("messy_workplace_survey/survey.csv.gz", ",", "Country"),
        ("org_sector_size/datapro.csv.gz", ",", "Country"),
    ],
)
def test_every_country_of_the_real_files_is_understood(
    file: str, delimiter: str, column: str
) -> None:
    text = gzip.decompress(real_data(file).read_bytes()).decode("utf-8", errors="replace")
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    # GeoIP's "(null)", cut off by the publisher.
    odd = {row[column] for row in rows if not read_country(row[column]).is_understood}
    assert odd <= {"(nu"}


def test_the_reference_lists_use_the_closed_vocabularies() -> None:
    assert {row["region"] for row in reference_rows("regions.csv")} == set(REGIONS)
    assert {row["industry"] for row in reference_rows("industries.csv")} == set(INDUSTRIES)
    assert [row["band"] for row in reference_rows("size_bands.csv")] == list(SIZE_BANDS[:-1])
    assert AGE_BANDS[-1] == GENDERS[-1] == DEVICES[-1] == "unknown"


@pytest.mark.parametrize(
    ("text", "industry"),
    [
        *[("11", "Agriculture"), ("111998", "Agriculture"), ("31", "Manufacturing")],
        *[("33", "Manufacturing"), ("31-33", "Manufacturing"), ("44-45", "Retail Trade")],
        *[("48–49", "Transportation"), ("51", "Technology"), ("51.0", "Technology")],
        *[("NAICS 5415", "Professional Services"), ("92", "Public Administration")],
        *[("Information Technology & Services", "Technology"), ("banking", "Finance")],
        *[("Health Care and Social Assistance", "Healthcare"), ("R&D", "Professional Services")],
        *[("Education (K-12, college, university)", "Education"), ("Tech", "Technology")],
        *[("Federal government", "Public Administration"), ("Non-profit", "Other Services")],
    ],
)
def test_industries_by_code_title_and_synonym(text: str, industry: str) -> None:
    read = read_industry(text)
    assert (read.category, read.is_understood) == (industry, True)


def test_every_sector_is_reached_by_its_own_name() -> None:
    for industry in INDUSTRIES:
        assert read_industry(industry).category == industry
        assert read_industry(industry.upper()).category == industry


@pytest.mark.parametrize("text", ["Wizardry", "10", "31-92", "5", "1234567", "Ada Lovelace Ltd"])
def test_an_industry_that_nobody_knows_is_unknown_and_a_fault(text: str) -> None:
    read = read_industry(text)
    assert (read.category, read.is_understood) == ("unknown", False)


@pytest.mark.parametrize(
    ("text", "device"),
    [
        *[("Desktop", "desktop"), ("Windows", "desktop"), ("Macintosh", "desktop")],
        *[("Linux", "desktop"), ("ChromeOS", "desktop"), ("iOS", "mobile"), ("Android", "mobile")],
        *[("Windows Phone", "mobile"), ("Blackberry", "mobile"), ("iPad", "tablet")],
        *[
            ("Smart TV", "other"),
            ("other", "other"),
            ("Unknown", "unknown"),
            ("toaster", "unknown"),
        ],
    ],
)
def test_devices_by_word_and_operating_system(text: str, device: str) -> None:
    assert read_device(text).category == device
    assert read_device(text).is_understood == (text != "toaster")


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131", "desktop"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36", "desktop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.0 Safari/605", "desktop"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148", "mobile"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/131 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (Linux; Android 13; SM-X200) Chrome/131 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) Mobile/15E148", "tablet"),
        ("Mozilla/5.0 (PlayStation 5 3.11) AppleWebKit/605.1.15", "other"),
        ("Googlebot/2.1 (+http://www.google.com/bot.html)", "other"),
    ],
)
def test_devices_by_user_agent(agent: str, device: str) -> None:
    assert read_user_agent(agent).category == device


@given(st.text())
def test_whatever_is_typed_ends_in_a_closed_list(text: str) -> None:
    assert read_country(text).category in REGIONS
    assert read_industry(text).category in INDUSTRIES
    assert read_gender(text).category in GENDERS
    assert read_device(text).category in DEVICES
    assert read_user_agent(text).category in DEVICES


@given(st.lists(st.one_of(st.none(), st.sampled_from(["male", "Reptilian", "f", ""]))))
def test_a_column_is_read_like_its_single_values(values: list[str | None]) -> None:
    plain = pa.array(values, pa.string())
    for column in (
        plain,
        plain.dictionary_encode(),
        pa.chunked_array([plain, plain])[: len(plain)],
    ):
        read = read_column(column, read_gender)
        assert read.values.to_pylist() == [
            "unknown" if value is None else read_gender(value).category for value in values
        ]
        assert read.not_understood.to_pylist() == [value == "Reptilian" for value in values]


def test_a_closed_list_knows_its_words_only() -> None:
    read = read_column(pa.array(["male", "Ada Lovelace", None]), closed(GENDERS))
    assert read.values.to_pylist() == ["male", "unknown", "unknown"]
    assert read.not_understood.to_pylist() == [False, True, False]
