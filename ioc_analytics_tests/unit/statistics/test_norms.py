"""Percentiles in a norm group: those of the raw scores, with intervals that equal R's."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import (
    count_distinct,
    merge_counts,
    mid_rank_interval,
    mid_rank_percentiles,
    wilson_interval,
)

REFERENCE = json.loads((Path(__file__).parent / "reference" / "norms.json").read_text())

samples = st.lists(st.integers(0, 40).map(lambda n: n * 2.5), min_size=1, max_size=60)


@given(samples, st.integers(0, 80).map(lambda n: n * 1.25), st.integers(0, 60))
def test_percentiles_are_mid_ranks_of_the_raw_scores_however_they_were_split(
    sample: list[float], score: float, cut: int
) -> None:
    values, counts = merge_counts([count_distinct(sample[:cut]), count_distinct(sample[cut:])])
    raw = np.array(sample)
    expected = 100 * ((raw < score).mean() + (raw == score).mean() / 2)
    found = float(mid_rank_percentiles(values, counts, score))
    assert found == pytest.approx(expected, abs=1e-9)
    bounds = mid_rank_interval(values, counts, score)
    assert 0 <= bounds.low <= found + 1e-9
    assert found - 1e-9 <= bounds.high <= 100


@pytest.mark.parametrize("name", REFERENCE["groups"])
def test_percentiles_and_intervals_equal_r(name: str) -> None:
    group = REFERENCE["groups"][name]
    values, counts = count_distinct(group["sample"])
    for place in group["places"]:
        score = place["score"]
        found = float(mid_rank_percentiles(values, counts, score))
        bounds = mid_rank_interval(values, counts, score, place["level"])
        assert found == pytest.approx(place["percentile"], rel=1e-6)
        assert bounds.low == pytest.approx(place["low"], rel=1e-6, abs=1e-6)
        assert bounds.high == pytest.approx(place["high"], rel=1e-6)


def test_without_equals_the_interval_is_wilsons() -> None:
    values, counts = count_distinct(np.arange(50.0))
    bounds, wilson = mid_rank_interval(values, counts, 19.5), wilson_interval(20, 50)
    assert bounds.low == pytest.approx(100 * wilson.low)
    assert bounds.high == pytest.approx(100 * wilson.high)


def test_what_cannot_be_placed_is_refused() -> None:
    with pytest.raises(InvalidInput, match="finite"):
        mid_rank_interval([1.0], [1], float("nan"))
    with pytest.raises(InvalidInput, match="confidence level"):
        mid_rank_interval([1.0], [1], 1.0, 95)
    with pytest.raises(NotEnoughData):
        mid_rank_interval([], np.empty(0, dtype=int), 1.0)
