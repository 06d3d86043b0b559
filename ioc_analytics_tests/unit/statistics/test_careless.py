"""Careless indices against a plain reading of their definitions."""

from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.statistics import has_zero_variance, individual_sd, longest_run
from ioc_analytics_tests.unit.statistics.samples import MISSING, answers

Answers = npt.NDArray[Any]


@given(matrix=answers(items=9, highest=3))
def test_the_longest_run_is_the_longest_string_of_one_answer(matrix: Answers) -> None:
    expected = [
        max((len(list(g)) for value, g in groupby(row) if value != MISSING), default=0)
        for row in matrix.tolist()
    ]
    assert longest_run(matrix, MISSING).tolist() == expected
    assert longest_run(matrix, MISSING).dtype == np.int16


@given(matrix=answers(items=6))
def test_the_individual_sd_is_that_of_the_given_answers(matrix: Answers) -> None:
    ours, flat = individual_sd(matrix, MISSING), has_zero_variance(matrix, MISSING)
    for row, spread, is_flat in zip(matrix, ours, flat, strict=True):
        given_answers = row[row != MISSING].astype(float)
        if given_answers.size < 2:
            assert np.isnan(spread)
            assert not is_flat
        else:
            assert spread == pytest.approx(given_answers.std(ddof=1), abs=1e-12)
            assert is_flat == (np.ptp(given_answers) == 0)


def test_blocks_do_not_show() -> None:
    matrix = np.random.default_rng(7).integers(0, 4, (20_000, 12), dtype=np.int8)
    for measure in (longest_run, individual_sd, has_zero_variance):
        halves = [measure(half, MISSING) for half in np.array_split(matrix, 3)]
        np.testing.assert_array_equal(measure(matrix, MISSING), np.concatenate(halves))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64])
def test_any_whole_numbers_will_do(dtype: type[np.integer[Any]]) -> None:
    matrix = np.array([[100, 100, 3], [1, 2, 3]], dtype=dtype)
    assert longest_run(matrix, -1).tolist() == [2, 1]
    assert individual_sd(matrix, -1)[1] == 1


def test_what_is_no_answer_matrix_is_refused() -> None:
    with pytest.raises(InvalidInput):
        longest_run(np.array([1, 2, 3]), MISSING)
    with pytest.raises(InvalidInput):
        individual_sd(np.array([[1.0, 2.0]]), MISSING)
