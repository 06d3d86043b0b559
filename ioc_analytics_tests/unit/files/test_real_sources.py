"""Real survey files through their mappings: each line a response, each answered cell an answer.

The figures are counted a second time from the file itself, with pandas.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ioc_analytics.files.batches import Batch, open_batch
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.files.mappings import Mapping, load_mapping
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics_tests.fixtures.real_data import real_data
from ioc_analytics_tests.unit.files.sources import LIMITS, NOW, opened

MAPPINGS = Path(__file__).parents[3] / "examples" / "mappings"


@dataclass(frozen=True)
class Source:
    """What a file holds, as its README and a count of its cells say."""

    file: str
    mapping: str
    n_rows: int
    items: str = ""
    missing: tuple[str, ...] = ("0",)
    repairs: dict[str, int] = field(default_factory=dict)


SOURCES = [
    Source(
        "big5_2012/big5.tsv.gz",
        "big5",
        14_790,
        r"[ENACO]\d+",
        repairs={"age:birth_year_as_age": 52, "age:out_of_range": 8},
    ),
    Source(
        "bfi_sapa/bfi.csv.gz", "bfi", 2_100, r"[ACENO]\d", ("",), repairs={"age:out_of_range": 1}
    ),
    Source("ipip_ffm_2016/ffm.tsv.gz", "ipip_ffm", 750, r"(EXT|EST|AGR|CSN|OPN)\d+"),
    Source(
        "ipip50_grit/grit.tsv.gz",
        "ipip50_grit",
        3_203,
        r"[ENACO]\d+",
        repairs={"age:out_of_range": 2},
    ),
    Source("ipip_neo300/neo300.csv.gz", "ipip_neo300", 200, r"i\d+"),
    Source(
        "temperament_tipi/fti.tsv.gz",
        "temperament_tipi",
        3_726,
        r"TIPI\d+",
        repairs={"age:out_of_range": 2},
    ),
    Source("tipi_pwe/pwe.tsv.gz", "tipi_pwe", 1_350, r"TIPI\d+"),
    Source("survey_sessions_2016/new_coder_part1.csv.gz", "survey_sessions", 10_373),
    Source("timed_test_2019/fsiq.csv.gz", "timed_test", 2_172),
    Source(
        "messy_workplace_survey/survey.csv.gz",
        "messy_workplace",
        1_259,
        repairs={"age:out_of_range": 7},
    ),
]
BY_NAME = {source.mapping: source for source in SOURCES}


def batch_of(source: Source) -> tuple[Batch, Mapping, pd.DataFrame]:
    path = real_data(source.file)
    mapping = load_mapping(MAPPINGS / f"{source.mapping}.toml")
    separator = "\t" if ".tsv" in source.file else ","
    frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    return (
        open_batch(path, mapping=mapping, limits=LIMITS, batch_size=1000, now=NOW),
        mapping,
        frame,
    )


def tables_of(batch: Batch) -> tuple[dict[str, pa.Table], Counter[str]]:
    tables: dict[str, list[pa.Table]] = {}
    repairs: Counter[str] = Counter()
    for chunk in batch.chunks():
        tables.setdefault(chunk.kind, []).append(chunk.table)
        repairs.update(chunk.repairs)
        assert chunk.dropped_columns == frozenset(), "a column is neither mapped nor ignored"
    return {kind: pa.concat_tables(parts) for kind, parts in tables.items()}, repairs


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.mapping)
def test_every_line_and_every_cell_is_accounted_for(source: Source) -> None:
    batch, mapping, frame = batch_of(source)
    tables, repairs = tables_of(batch)
    responses = tables["responses"]
    assert len(frame) == source.n_rows
    assert sorted(responses["_line"].to_pylist()) == list(range(2, source.n_rows + 2))
    assert responses["_rule"].null_count == source.n_rows
    assert len(set(responses["response_id"].to_pylist())) == source.n_rows
    assert repairs == source.repairs
    if mapping.instrument is None:
        assert set(tables) == {"assessments", "responses"}
        return
    items = [column for column in frame if re.fullmatch(source.items, str(column))]
    assert len(items) == len(mapping.instrument.items)
    answers = tables["question_responses"]
    assert answers.num_rows == int((~frame[items].isin(source.missing)).to_numpy().sum())
    assert answers["_rule"].null_count == answers.num_rows


@pytest.mark.parametrize("name", ["big5", "bfi", "ipip_ffm", "ipip50_grit", "tipi_pwe"])
def test_answers_stand_under_their_item_as_the_respondent_gave_them(name: str) -> None:
    batch, mapping, frame = batch_of(BY_NAME[name])
    assert mapping.items is not None
    answers = tables_of(batch)[0]["question_responses"].select(["_line", "question_id", "value"])
    for code, column in mapping.items.columns.items():
        found = answers.filter(pa.compute.equal(answers["question_id"], code)).to_pandas()
        expected = pd.to_numeric(frame[column], errors="coerce").replace(0, np.nan).dropna()
        found = found.set_index("_line")["value"].sort_index()
        assert found.tolist() == expected.tolist()
        assert (found.index - 2).tolist() == expected.index.tolist()


def test_keyed_answers_of_the_neo_are_turned_back() -> None:
    batch, _, frame = batch_of(BY_NAME["ipip_neo300"])
    answers = tables_of(batch)[0]["question_responses"].to_pandas()
    wide = answers.pivot(index="_line", columns="question_id", values="value")
    for item in builtin_instruments()["ipip_neo300"].items:
        given = pd.to_numeric(frame[item.code.lower()]).replace(0, np.nan)
        expected = 6 - given if item.is_reversed else given
        pd.testing.assert_series_equal(
            wide[item.code].reset_index(drop=True), expected, check_names=False, check_dtype=False
        )


def test_times_of_the_neo_count_months_from_zero() -> None:
    batch, _, frame = batch_of(BY_NAME["ipip_neo300"])
    started = tables_of(batch)[0]["responses"].to_pandas()["started_at"]
    assert (started.dt.month - 1).tolist() == pd.to_numeric(frame["month"]).tolist()
    assert (started.dt.year - 1900).tolist() == pd.to_numeric(frame["year"]).tolist()
    assert (started.dt.hour).tolist() == pd.to_numeric(frame["hour"]).tolist()


def test_items_take_milliseconds_and_pages_take_seconds() -> None:
    batch, _, frame = batch_of(BY_NAME["ipip_ffm"])
    tables, _ = tables_of(batch)
    answers = tables["question_responses"].to_pandas()
    first = answers[(answers["_line"] == 2) & (answers["question_id"] == "E1")].iloc[0]
    assert first["time_spent_ms"] == int(frame["EXT1_E"][0]) == 9419
    assert tables["responses"]["time_spent_seconds"][0].as_py() == float(frame["testelapse"][0])


def test_namibia_stays_a_country() -> None:
    batch, _, frame = batch_of(BY_NAME["big5"])
    countries = Counter(tables_of(batch)[0]["responses"]["country"].to_pylist())
    assert countries["NA"] == int((frame["country"] == "NA").sum()) == 7
    assert countries[None] == int(frame["country"].isin(["(nu", "A1", "A2", "AP", "EU"]).sum())


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.mapping)
def test_no_sensitive_attribute_is_read(source: Source) -> None:
    mapping = load_mapping(MAPPINGS / f"{source.mapping}.toml")
    sensitive = {
        "race", "religion", "orientation", "voted", "married", "familysize", "major", "treatment",
        "family_history", "mental_health_consequence", "lat_appx_lots_of_err", "Network ID", "IPC",
    }  # fmt: skip
    assert not mapping.columns & sensitive


@pytest.mark.parametrize(
    "file",
    [
        "messy_workplace_survey/survey.csv.gz",
        "survey_sessions_2016/new_coder_part1.csv.gz",
        "org_units_1996/bh1996.csv.gz",
        "ambi_2019/ambi.tsv.gz",
        "org_sector_size/datapro.csv.gz",
    ],
)
def test_without_a_mapping_the_refusal_says_what_to_do(file: str) -> None:
    with pytest.raises(InvalidInput, match="survey export, one row per person, needs a mapping"):
        opened(real_data(file))
