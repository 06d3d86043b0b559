"""Real survey files of many sources, together in one database: every line accounted for.

What is expected is counted from the files themselves, with pandas; reliability from R.
"""

import gzip
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.files.mapping_records import Mapping
from ioc_analytics.files.mappings import load_mapping
from ioc_analytics.kernel.errors import AnalyticsError
from ioc_analytics.records.receipts import IngestReceipt
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics_tests.fixtures.batches import content_fingerprint, count
from ioc_analytics_tests.fixtures.database import (
    TemporaryServer,
    clone_template,
    drop_database,
    template_database,
)
from ioc_analytics_tests.fixtures.platform import PSEUDONYM_KEY, initialize_platform
from ioc_analytics_tests.fixtures.real_data import real_data

CHECKOUT = Path(__file__).parents[2]
MAPPINGS = CHECKOUT / "examples" / "mappings"
REFERENCE = json.loads(
    (CHECKOUT / "ioc_analytics_tests/unit/statistics/reference/reference.json").read_text()
)["sources"]


@dataclass(frozen=True)
class Source:
    """One real file and its mapping."""

    file: str
    mapping: str
    n_rows: int

    @property
    def name(self) -> str:
        return self.file.partition("/")[0]


SOURCES = [
    Source("big5_2012/big5.tsv.gz", "big5", 14_790),
    Source("bfi_sapa/bfi.csv.gz", "bfi", 2_100),
    Source("ipip_ffm_2016/ffm.tsv.gz", "ipip_ffm", 750),
    Source("ipip50_grit/grit.tsv.gz", "ipip50_grit", 3_203),
    Source("ipip_neo300/neo300.csv.gz", "ipip_neo300", 200),
    Source("temperament_tipi/fti.tsv.gz", "temperament_tipi", 3_726),
    Source("tipi_pwe/pwe.tsv.gz", "tipi_pwe", 1_350),
    Source("survey_sessions_2016/new_coder_part1.csv.gz", "survey_sessions", 10_373),
    Source("timed_test_2019/fsiq.csv.gz", "timed_test", 2_172),
    Source("messy_workplace_survey/survey.csv.gz", "messy_workplace", 1_259),
]


class Loaded:
    """All sources in one database."""

    def __init__(self, analytics: AnalyticsSystem) -> None:
        self.analytics = analytics
        self.receipts = {source.name: self.take(source) for source in SOURCES}

    def take(self, source: Source) -> IngestReceipt:
        return self.analytics.ingest_files(
            real_data(source.file), mapping=MAPPINGS / f"{source.mapping}.toml"
        )

    def row(self, statement: str, *values: Any) -> tuple[Any, ...]:
        with self.analytics.database.connection("ingest") as connection:
            row = connection.execute(statement, values).fetchone()
        assert row is not None
        return tuple(row)


@pytest.fixture(scope="module")
def loaded(server: TemporaryServer) -> Iterator[Loaded]:
    for source in SOURCES:
        real_data(source.file)
    template = template_database(server, initialize_platform)
    config = clone_template(template).replace(privacy={"pseudonym_key": PSEUDONYM_KEY})
    with AnalyticsSystem(config) as analytics:
        yield Loaded(analytics)
    drop_database(config)


def read(source: Source) -> tuple[Mapping, pd.DataFrame, pd.DataFrame]:
    """Return the mapping, the file, and its answers as given: a column per item, NaN: missing."""
    mapping = load_mapping(MAPPINGS / f"{source.mapping}.toml")
    separator = "\t" if ".tsv" in source.file else ","
    frame = pd.read_csv(real_data(source.file), sep=separator, dtype=str, keep_default_na=False)
    if mapping.items is None:
        return mapping, frame, pd.DataFrame(index=frame.index)
    cells = pd.DataFrame(
        {
            code: pd.to_numeric(frame[column], errors="coerce")
            for code, column in mapping.items.columns.items()
        }
    )
    return mapping, frame, cells.where(cells != 0)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_line_is_accounted_for(loaded: Loaded, source: Source) -> None:
    receipt = loaded.receipts[source.name]
    mapping, frame, cells = read(source)
    assert len(frame) == source.n_rows
    responses = receipt.by_kind["responses"]
    assert (responses.received, responses.accepted) == (source.n_rows, source.n_rows)
    batch = receipt.batch_id
    stored = loaded.row(
        "SELECT count(*) FROM analytics.anonymized_assessment_responses WHERE batch_id = %s", batch
    )
    assert stored == (source.n_rows,)
    if mapping.instrument is None:
        assert set(receipt.by_kind) == {"assessments", "responses"}
        return
    scale = mapping.instrument
    answered = int(cells.notna().to_numpy().sum())
    within = (cells >= scale.scale_minimum) & (cells <= scale.scale_maximum)
    answers = receipt.by_kind["question_responses"]
    assert answers.received == answered
    assert answers.accepted == int(within.to_numpy().sum())
    assert answers.duplicates == 0
    assert answers.quarantined == receipt.quarantined == answered - answers.accepted
    assert loaded.row(
        "SELECT count(*) FROM analytics.anonymized_question_responses WHERE batch_id = %s", batch
    ) == (answers.accepted,)


@pytest.mark.parametrize(
    "source",
    [s for s in SOURCES if re.search("big5|bfi|ipip|tipi", s.mapping)],
    ids=lambda source: source.name,
)
def test_scores_are_those_that_pandas_finds(loaded: Loaded, source: Source) -> None:
    mapping, _, cells = read(source)
    assert mapping.instrument is not None
    scale = mapping.instrument
    keyed = cells.copy()
    if mapping.items is not None and not mapping.items.is_keyed:
        for item in scale.items:
            if item.is_reversed:
                keyed[item.code] = scale.scale_minimum + scale.scale_maximum - keyed[item.code]
    keyed = keyed.where((keyed >= scale.scale_minimum) & (keyed <= scale.scale_maximum))
    span = scale.scale_maximum - scale.scale_minimum
    for trait in TRAITS:
        mine = keyed[[item.code for item in scale.items if item.trait == trait]]
        enough = mine.notna().mean(axis=1) >= scale.minimum_answered_share - 1e-9
        expected = ((mine.mean(axis=1) - scale.scale_minimum) / span * 100)[enough]
        number, mean, deviation = loaded.row(
            "SELECT count(*), avg(score), stddev_samp(score)"
            " FROM analytics.anonymized_assessment_scores WHERE batch_id = %s AND dimension = %s",
            loaded.receipts[source.name].batch_id,
            trait,
        )
        assert number == len(expected) > 0
        assert mean == pytest.approx(expected.mean(), rel=1e-9)
        assert deviation == pytest.approx(expected.std(), rel=1e-9)


def test_reliability_of_big5_is_that_of_psych(loaded: Loaded) -> None:
    # One person of big5_2012 per line, and nobody else in that year.
    analysis = loaded.analytics.get_ocean_analysis((), {"start": "2012-01-01", "end": "2013-01-01"})
    assert dict(analysis.by_instrument) == {"ipip50": 14_789}
    for trait in TRAITS:
        expected = REFERENCE["big5_2012"]["reliability"][trait]
        found = analysis.reliability["ipip50"][trait]
        assert found.sample_size == expected["sample_size"]
        assert found.alpha == pytest.approx(expected["alpha"], rel=1e-6)


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_distributions_are_those_of_r(loaded: Loaded, name: str) -> None:
    batch = loaded.receipts[name].batch_id
    for trait in TRAITS:
        expected = REFERENCE[name]["distributions"][trait]
        found = loaded.row(
            "SELECT count(*), avg(score), stddev_samp(score),"
            " percentile_cont(ARRAY[0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])"
            " WITHIN GROUP (ORDER BY score)"
            " FROM analytics.anonymized_assessment_scores WHERE batch_id = %s AND dimension = %s",
            batch,
            trait,
        )
        assert found[0] == expected["sample_size"]
        assert found[1:3] == pytest.approx((expected["average"], expected["std_dev"]), rel=1e-6)
        assert np.allclose(found[3], list(expected["percentiles"].values()), rtol=1e-6)


def test_everything_together_is_analysed_before_and_after_refreshing(loaded: Loaded) -> None:
    before = loaded.analytics.get_ocean_analysis()
    loaded.analytics.refresh()
    after = loaded.analytics.get_ocean_analysis()
    assert before.traits == after.traits
    assert before.by_instrument == after.by_instrument
    assert set(after.by_instrument) == {"ipip50", "bfi25", "tipi", "ipip_neo300"}


def test_a_second_run_finds_duplicates_only(loaded: Loaded) -> None:
    before = content_fingerprint(loaded.analytics)
    batches = count(loaded.analytics, "internal.batches")
    for source in SOURCES:
        again = loaded.take(source)
        assert again.is_duplicate
        assert again.duplicates == loaded.receipts[source.name].records_processed
    assert content_fingerprint(loaded.analytics) == before
    assert count(loaded.analytics, "internal.batches") == batches


def test_a_workplace_survey_without_a_mapping_is_refused_in_words(loaded: Loaded) -> None:
    with pytest.raises(AnalyticsError, match="needs a mapping"):
        loaded.analytics.ingest_files(real_data("messy_workplace_survey/survey.csv.gz"))


def test_a_workplace_survey_with_the_wrong_mapping_is_refused_in_words(loaded: Loaded) -> None:
    with pytest.raises(AnalyticsError) as fault:
        loaded.analytics.ingest_files(
            real_data("messy_workplace_survey/survey.csv.gz"), mapping=MAPPINGS / "big5.toml"
        )
    assert "column" in str(fault.value)


def test_a_line_that_was_spoilt_is_put_aside_with_its_reason(
    loaded: Loaded, tmp_path: Path
) -> None:
    """The real files hold nothing that cannot be taken, so two answers are spoilt first."""
    with gzip.open(real_data("big5_2012/big5.tsv.gz"), "rt", encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in itertools.islice(lines, 21)]
    rows[5][rows[0].index("E1")] = "9"
    rows[7][rows[0].index("O3")] = "often"
    spoilt = tmp_path / "big5_spoilt.tsv"
    spoilt.write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    receipt = loaded.analytics.ingest_files(spoilt, mapping=MAPPINGS / "big5.toml")
    assert receipt.by_kind["responses"].received == 20
    assert receipt.quarantined == 2
    found = {
        (entry.line, entry.column_name): (entry.rule, entry.value)
        for entry in loaded.analytics.list_quarantine(limit=10)
        if entry.batch_id == receipt.batch_id
    }
    assert found == {
        (6, "E1"): ("value_out_of_range", "<number of 1 digits>"),
        (8, "O3"): ("not_a_number", "<text of 5 characters>"),
    }
