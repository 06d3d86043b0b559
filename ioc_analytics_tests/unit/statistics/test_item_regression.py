"""Ordinal regression of items: equal to R's, finds what turns around, and is seldom wrong."""

import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics import analyze_items, fit_proportional_odds, regress_items
from ioc_analytics.statistics.item_regression import judge
from ioc_analytics_tests.unit.statistics.test_against_r import GENERATED, HERE, sources
from ioc_analytics_tests.unit.statistics.test_ocean_against_r import sheets

REFERENCE = {
    "bfi_sapa": json.loads((HERE / "reference" / "dif.json").read_text()),
    "generated": json.loads((GENERATED / "dif.json").read_text()),
}
NAMES = list("abcdefgh")


@sources("bfi_sapa", "generated")
@pytest.mark.parametrize("trait", TRAITS)
def test_regressions_equal_r(name: str, trait: str) -> None:
    """R's own search stops at about 1e-9 of the likelihood: its differences are good to 1e-5."""
    expected = REFERENCE[name]["regressions"][trait]
    answers, is_focal = sheets(name, trait)
    for item in judge(answers, is_focal, list(expected), np.ones(len(expected), dtype=bool)):
        figures = expected[item.item]
        for figure, key in {
            "statistic": "statistic",
            "uniform_statistic": "uniform",
            "non_uniform_statistic": "non_uniform",
            "group_log_odds": "group_log_odds",
            "mcfadden_gain": "mcfadden_gain",
            "nagelkerke_gain": "nagelkerke_gain",
            "uniform_nagelkerke_gain": "uniform_nagelkerke_gain",
        }.items():
            assert getattr(item, figure) == pytest.approx(figures[key], rel=1e-4, abs=1e-5), figure
        assert item.p_value == pytest.approx(figures["p_value"], rel=1e-4)
        # The model itself, to 1e-6 of the likelihood.
        at = list(expected).index(item.item)
        score = answers.sum(axis=1)
        design, places = np.unique(
            np.column_stack([(score - score.mean()) / score.std(ddof=1), is_focal]),
            axis=0,
            return_inverse=True,
        )
        counts = np.zeros((len(design), 6))
        np.add.at(counts, (places, answers[:, at] - 1), 1)
        fit = fit_proportional_odds(design, counts)
        assert fit.log_likelihood == pytest.approx(figures["log_likelihood"], rel=1e-8)
        assert fit.thresholds == pytest.approx(figures["thresholds"], rel=1e-4, abs=1e-4)


def draw(seed: int, people: int, *, turn: float = 0.0) -> npt.NDArray[np.int64]:
    """Return answers of two groups of equal trait; ``turn`` makes the first item say less of it."""
    generator = np.random.default_rng(seed)
    trait = generator.normal(size=(2, people, 1))
    slopes = np.ones((2, 1, len(NAMES)))
    slopes[1, 0, 0] -= turn
    noise = generator.normal(size=(2, people, len(NAMES)))
    return np.rint(slopes * trait + noise).clip(-2, 2).astype(np.int64) + 3


def test_a_difference_that_turns_around_is_found_where_mantels_test_sees_nothing() -> None:
    reference, focal = draw(11, 1500, turn=1.0)
    item = regress_items(reference, focal, NAMES, missing=0)[0]
    assert item.non_uniform_p_value is not None
    assert item.non_uniform_p_value < 1e-6
    assert item.item_class == "C"
    mantel = analyze_items(reference, focal, NAMES, missing=0)[0]
    assert mantel.item_class == "A"


def test_alike_items_are_seldom_called_different() -> None:
    """At 5 %, 2 to 8 % of 240 tests of alike items; none is class B or C."""
    found = [
        item
        for reference, focal in (draw(seed, 400) for seed in range(30))
        for item in regress_items(reference, focal, NAMES, missing=0)
    ]
    p_values = np.array([item.p_value for item in found], dtype=float)
    assert 0.02 <= (p_values < 0.05).mean() <= 0.08
    assert {item.item_class for item in found} == {"A"}


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_the_order_of_people_and_of_groups_does_not_matter(seed: int) -> None:
    reference, focal = draw(seed, 150)
    mixed = np.random.default_rng(seed).permutation(reference)
    there = regress_items(mixed, focal, NAMES, missing=0)
    back = regress_items(focal, reference, NAMES, missing=0)
    for one, other in zip(there, back, strict=True):
        assert one.statistic == pytest.approx(other.statistic, abs=1e-6)
        assert one.group_log_odds == pytest.approx(-(other.group_log_odds or 0.0), abs=1e-5)


def test_what_cannot_be_fitted_says_why() -> None:
    with pytest.raises(NotEnoughData, match="two answers"):
        fit_proportional_odds([[0.0], [1.0]], [[5], [5]])
    with pytest.raises(NotEnoughData, match="no finite maximum"):
        fit_proportional_odds([[0.0], [1.0]], [[5, 0], [0, 5]])
    with pytest.raises(NotEnoughData, match="no finite maximum"):
        fit_proportional_odds([[1.0], [1.0]], [[5, 3], [3, 5]])
    with pytest.raises(InvalidInput, match="must fit"):
        fit_proportional_odds([[0.0]], [[5, 0], [0, 5]])
    reference, focal = draw(3, 200)
    reference[:, 2] = focal[:, 2] = 4
    same = regress_items(reference, focal, NAMES, missing=0)[2]
    assert same.item_class is None
    assert same.reason is not None
    assert "two answers" in same.reason
