"""Our figures against those of R and psych: real answers, generated ones, R's own examples.

``reference/make_reference.R`` made ``reference/reference.json``; it names R's and psych's versions
and the calls. The real files do not ship, so the same script was run on generated answers in the
shape of bfi_sapa (``reference/make_generated.R``), which every checkout has. Closed
formulas agree to 1e-6 (relative), omega to 1e-3.
"""

import csv
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ioc_analytics.records.instruments import Instrument, Item
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics import (
    Distribution,
    ItemMoments,
    Reliability,
    adjust_familywise,
    clopper_pearson_interval,
    correlate,
    correlate_traits,
    count_distinct,
    describe_sample,
    has_zero_variance,
    individual_sd,
    longest_run,
    measure_moments,
    moments_from_vectors,
    quantile_interval,
    score_traits,
    wilson_interval,
)

HERE = Path(__file__).parent
DATA = HERE.parents[3] / "shared" / "data"
REFERENCE = json.loads((HERE / "reference" / "reference.json").read_text())
GENERATED = HERE / "reference" / "generated"
MADE = json.loads((GENERATED / "reference.json").read_text())
EXPECTED = {**REFERENCE["sources"], "generated": MADE["sources"]["bfi_sapa"]}
FILES = {
    "bfi_sapa": ("bfi.csv.gz", ","),
    "big5_2012": ("big5.tsv.gz", "\t"),
    "temperament_tipi": ("fti.tsv.gz", "\t"),
    "generated": ("bfi.csv.gz", ","),
}
MISSING = -1


def folder(name: str) -> Path:
    """Return where a source lies."""
    return GENERATED / "bfi_sapa" if name == "generated" else DATA / name


def sources(*names: str) -> pytest.MarkDecorator:
    """Run a test on each of these sources that is here."""
    here = [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                not folder(name).is_dir(),
                reason=f"the real answers of {name} are not beside this checkout (shared/data)",
            ),
        )
        for name in names
    ]
    return pytest.mark.parametrize("name", here)


each_source = sources(*FILES)
"""The real ones, where they are, and the generated one."""


def agrees(expected: Any) -> Any:
    """Equal to R to 1e-6; what is nearly 0 to 1e-9."""
    return pytest.approx(expected, rel=1e-6, abs=1e-9)


@dataclass(frozen=True)
class Source:
    """Answers as given, and the instrument that scores them."""

    answers: npt.NDArray[np.int8]
    instrument: Instrument

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        return score_traits(self.answers, self.instrument, missing=MISSING)[0]

    def reliability(self, trait: str) -> Reliability:
        places = [i for i, item in enumerate(self.instrument.items) if item.trait == trait]
        moments = ItemMoments.from_matrix(self.answers[:, places], missing=MISSING)
        keys = [self.instrument.items[i].is_reversed for i in places]
        scale = (self.instrument.scale_minimum, self.instrument.scale_maximum)
        return measure_moments(moments.keyed(keys, *scale))


@cache
def read(name: str) -> Source:
    keys = json.loads((folder(name) / "keys.json").read_text())
    low, high = keys["scale"]["min"], keys["scale"]["max"]
    items = tuple(
        Item(item["column"], item["trait"], item["reverse"], place, None)
        for place, item in enumerate(keys["items"], start=1)
    )
    file, delimiter = FILES[name]
    with gzip.open(folder(name) / file, "rt", encoding="utf-8", newline="") as stream:
        rows = [
            [int(row[item.code] or MISSING) for item in items]
            for row in csv.DictReader(stream, delimiter=delimiter)
        ]
    answers = np.array(rows, dtype=np.int8)
    answers[(answers < low) | (answers > high)] = MISSING
    return Source(answers, Instrument(name, name, low, high, 0.8, items, "keys.json"))


def check_distribution(ours: Distribution, expected: dict[str, Any]) -> None:
    interval = ours.confidence_interval
    assert interval is not None
    assert ours.sample_size == expected["sample_size"]
    assert ours.average == agrees(expected["average"])
    assert ours.std_dev == agrees(expected["std_dev"])
    assert ours.standard_error == agrees(expected["standard_error"])
    assert interval.low == agrees(expected["interval_low"])
    assert interval.high == agrees(expected["interval_high"])
    assert ours.minimum == agrees(expected["minimum"])
    assert ours.maximum == agrees(expected["maximum"])
    for percentage, value in expected["percentiles"].items():
        assert ours.percentiles[int(percentage)] == agrees(value)
    assert ours.median_absolute_deviation == agrees(expected["median_absolute_deviation"])
    assert ours.skewness == agrees(expected["skewness"])
    assert ours.kurtosis == agrees(expected["kurtosis"])
    assert ours.histogram is not None
    assert list(ours.histogram.counts) == expected["histogram"]


def check_reliability(ours: Reliability, expected: dict[str, Any]) -> None:
    assert ours.alpha == agrees(expected["alpha"])
    assert ours.standardized_alpha == agrees(expected["standardized_alpha"])
    assert ours.alpha_interval.low == agrees(expected["interval_low"])
    assert ours.alpha_interval.high == agrees(expected["interval_high"])
    assert list(ours.item_rest_correlations) == agrees(expected["item_rest_correlations"])
    assert ours.mean_inter_item_correlation == agrees(expected["mean_inter_item_correlation"])
    if expected["omega_total"] is None:
        assert ours.omega_total is None
        assert ours.omega_reason
    else:
        assert ours.omega_total == pytest.approx(expected["omega_total"], rel=1e-3)


@each_source
def test_distributions_equal_r(name: str) -> None:
    scores = read(name).scores
    assert len(scores) == EXPECTED[name]["respondents"]
    for place, trait in enumerate(TRAITS):
        expected = EXPECTED[name]["distributions"][trait]
        check_distribution(describe_sample(scores[:, place]), expected)
        interval = quantile_interval(*count_distinct(scores[:, place]), 0.5)
        assert [interval.low, interval.high] == agrees(expected["median_interval"])


@each_source
def test_correlations_equal_r(name: str) -> None:
    matrix = correlate_traits(moments_from_vectors(read(name).scores))
    reference = EXPECTED[name]["correlations"]
    p_values: list[float] = []
    for pair, expected in reference.items():
        a, b = pair.split()
        ours = matrix[a][b]
        assert ours.confidence_interval is not None
        assert ours.p_value is not None
        assert ours.sample_size == expected["sample_size"]
        assert ours.r == agrees(expected["r"])
        assert ours.confidence_interval.low == agrees(expected["interval_low"])
        assert ours.confidence_interval.high == agrees(expected["interval_high"])
        # A p of 1e-200 carries the rounding of r a thousandfold in its exponent.
        assert ours.p_value == pytest.approx(expected["p_value"], rel=1e-4, abs=1e-30)
        assert ours.adjusted_p_value == pytest.approx(
            expected["adjusted_p_value"], rel=1e-4, abs=1e-30
        )
        p_values.append(ours.p_value)
    familywise = [expected["familywise_p_value"] for expected in reference.values()]
    assert adjust_familywise(p_values).tolist() == pytest.approx(familywise, rel=1e-4, abs=1e-30)


@each_source
@pytest.mark.parametrize("trait", TRAITS)
def test_reliability_equals_psych(name: str, trait: str) -> None:
    expected = EXPECTED[name]["reliability"][trait]
    ours = read(name).reliability(trait)
    assert ours.sample_size == expected["sample_size"]
    check_reliability(ours, expected)


@each_source
def test_careless_indices_equal_r(name: str) -> None:
    answers = read(name).answers
    expected = EXPECTED[name]["careless"]
    longest = longest_run(answers, MISSING)
    lengths, counts = np.unique(longest[longest > 0], return_counts=True)
    ours = {str(length): count for length, count in zip(lengths.tolist(), counts, strict=True)}
    assert ours == expected["longest_run_counts"]
    spread = individual_sd(answers, MISSING)
    spread = spread[~np.isnan(spread)]
    assert spread.size == expected["sd_n"]
    assert spread.mean() == agrees(expected["sd_mean"])
    assert spread.std(ddof=1) == agrees(expected["sd_sd"])
    assert has_zero_variance(answers, MISSING).sum() == expected["zero_variance"]


def test_rs_own_example_equals_psych() -> None:
    expected = REFERENCE["small"]["attitude"]
    answers = np.array(expected["answers"], dtype=np.int16)
    check_reliability(measure_moments(ItemMoments.from_matrix(answers, missing=0)), expected)
    check_distribution(describe_sample(answers[:, 0]), expected["rating"])
    correlation = correlate(answers[:, 0], answers[:, 1])
    assert correlation.confidence_interval is not None
    assert correlation.r == agrees(expected["correlation"]["r"])
    assert correlation.confidence_interval.low == agrees(expected["correlation"]["interval_low"])
    assert correlation.confidence_interval.high == agrees(expected["correlation"]["interval_high"])
    assert correlation.p_value == agrees(expected["correlation"]["p_value"])


@pytest.mark.parametrize("case", REFERENCE["small"]["rates"])
def test_intervals_of_a_rate_equal_r(case: dict[str, Any]) -> None:
    wilson = wilson_interval(case["successes"], case["sample_size"])
    exact = clopper_pearson_interval(case["successes"], case["sample_size"])
    assert [wilson.low, wilson.high] == agrees(case["wilson"])
    assert [exact.low, exact.high] == agrees(case["exact"])
