"""Trait scores from answers: the rule, the keys, the gaps and the exact bits."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics import score_traits
from ioc_analytics_tests.unit.statistics.samples import MISSING, answers, instrument

Answers = npt.NDArray[Any]
TEN = instrument({"openness": [False, True] * 5})
MIXED = instrument({"openness": [False, True], "neuroticism": [True, False, False]}, share=0.6)


@given(sheet=st.lists(st.integers(1, 5), min_size=10, max_size=10))
def test_ten_items_of_five_steps_score_s_minus_10_over_40(sheet: list[int]) -> None:
    scores, raw_scores = score_traits([sheet], TEN, missing=MISSING)
    total = sum(6 - a if place % 2 else a for place, a in enumerate(sheet))
    assert scores[0, 0] == 100 * (total - 10) / 40
    assert raw_scores[0, 0] == total
    assert np.isnan(scores[0, 1:]).all()


@given(matrix=answers(items=5))
def test_scores_are_the_mean_of_the_keyed_answers_when_enough_are_given(matrix: Answers) -> None:
    scores, raw_scores = score_traits(matrix, MIXED, missing=MISSING)
    for row, score, raw in zip(matrix.tolist(), scores, raw_scores, strict=True):
        for trait, places, needed in (("openness", (0, 1), 2), ("neuroticism", (2, 3, 4), 2)):
            keyed = [
                6 - row[i] if MIXED.items[i].is_reversed else row[i]
                for i in places
                if row[i] != MISSING
            ]
            here = TRAITS.index(trait)
            if len(keyed) < needed:
                assert np.isnan(score[here])
                assert np.isnan(raw[here])
            else:
                assert score[here] == pytest.approx(100 * (np.mean(keyed) - 1) / 4)
                assert raw[here] == pytest.approx(np.mean(keyed) * len(places))


@pytest.mark.parametrize(("answered", "is_scored"), [(10, True), (8, True), (7, False), (0, False)])
def test_eight_of_ten_items_are_enough(answered: int, is_scored: bool) -> None:
    sheet = [3] * answered + [MISSING] * (10 - answered)
    scores, _ = score_traits([sheet], TEN, missing=MISSING)
    assert np.isnan(scores[0, 0]) != is_scored
    if is_scored:
        assert scores[0, 0] == 50


@pytest.mark.parametrize(("items", "needed"), [(2, 2), (5, 4), (10, 8), (15, 12), (60, 48)])
def test_eighty_percent_is_counted_without_rounding_noise(items: int, needed: int) -> None:
    scale = instrument({"openness": [False] * items})
    sheets = np.tril(np.ones((items + 1, items), dtype=np.int8), -1)
    scores, _ = score_traits(sheets, scale, missing=MISSING)
    assert (~np.isnan(scores[:, 0])).tolist() == [n >= needed for n in range(items + 1)]


def test_a_scale_may_begin_at_zero_with_another_missing_code() -> None:
    scale = instrument({"extraversion": [False, True]})
    from_zero = type(scale)("zero", "Zero", 0, 4, 0.5, scale.items, "tests")
    scores, raw_scores = score_traits([[4, 0], [0, -1]], from_zero, missing=-1)
    assert scores[:, TRAITS.index("extraversion")].tolist() == [100, 0]
    assert raw_scores[:, TRAITS.index("extraversion")].tolist() == [8, 0]


def test_blocks_do_not_show() -> None:
    matrix = np.random.default_rng(8).integers(0, 6, (20_000, 10), dtype=np.int8)
    whole = np.hstack(score_traits(matrix, TEN, missing=MISSING))
    parts = [np.hstack(score_traits(p, TEN, missing=MISSING)) for p in np.array_split(matrix, 3)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_answers_outside_the_scale_are_refused_by_item() -> None:
    with pytest.raises(
        InvalidInput, match=r"item I2 .* has the answer 6, outside its scale 1\.\.5"
    ):
        score_traits([[1, 6] + [3] * 8], TEN, missing=MISSING)


def test_wrong_shapes_and_codes_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"shape \(n, 10\)"):
        score_traits([[1, 2, 3]], TEN, missing=MISSING)
    with pytest.raises(InvalidInput, match="whole numbers"):
        score_traits([[1.0] * 10], TEN, missing=MISSING)
    with pytest.raises(InvalidInput, match="missing code 3"):
        score_traits([[1] * 10], TEN, missing=3)
