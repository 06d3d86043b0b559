"""Comparisons, distances, careless indices and item functioning equal R.

``reference/make_ocean_reference.R`` made ``reference/ocean_reference.json`` from real answers, and
``reference/generated/ocean_reference.json`` from generated ones (``test_against_r``).
"""

import csv
import gzip
import json
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics import (
    GroupSummary,
    ItemMoments,
    analyze_items,
    compare_pairs,
    count_distinct,
    distance_p_values,
    even_odd_consistency,
    games_howell,
    kruskal_wallis,
    mahalanobis_squared,
    mid_rank_percentiles,
    robust_limits,
    synonym_consistency,
    tukey_fences,
    variance_explained,
    welch_anova,
)
from ioc_analytics.statistics.item_functioning import _judge
from ioc_analytics_tests.unit.statistics.test_against_r import (
    GENERATED,
    HERE,
    MISSING,
    agrees,
    folder,
    read,
    sources,
)

REFERENCE = {
    "bfi_sapa": json.loads((HERE / "reference" / "ocean_reference.json").read_text()),
    "generated": json.loads((GENERATED / "ocean_reference.json").read_text()),
}

pytestmark = sources("bfi_sapa", "generated")
by_trait = pytest.mark.parametrize("trait", TRAITS)


@cache
def column(name: str, wanted: str) -> npt.NDArray[np.int64]:
    with gzip.open(folder(name) / "bfi.csv.gz", "rt", encoding="utf-8") as stream:
        return np.array([int(row[wanted] or MISSING) for row in csv.DictReader(stream)])


def keyed(name: str) -> npt.NDArray[np.int8]:
    source = read(name)
    turned = np.array([item.is_reversed for item in source.instrument.items])
    given = source.answers != MISSING
    return np.where(turned & given, 7 - source.answers, source.answers)


def scale(name: str, trait: str) -> list[int]:
    items = read(name).instrument.items
    return [at for at, item in enumerate(items) if item.trait == trait]


def scores_of(name: str, trait: str) -> npt.NDArray[np.float64]:
    scores = read(name).scores[:, TRAITS.index(trait)]
    return scores[~np.isnan(scores)]


@by_trait
def test_group_comparisons_equal_r(name: str, trait: str) -> None:
    expected = REFERENCE[name]["comparisons"][trait]
    scores = read(name).scores[:, TRAITS.index(trait)]
    samples = {
        level: scores[(column(name, "education") == int(level)) & ~np.isnan(scores)]
        for level in expected["groups"]
    }
    assert {name: len(x) for name, x in samples.items()} == expected["groups"]
    groups = [GroupSummary(n, len(x), x.mean(), x.std(ddof=1)) for n, x in samples.items()]
    welch = welch_anova(groups)
    assert [welch.statistic, welch.df_between, welch.df_within] == agrees(expected["welch"][:3])
    assert welch.p_value == agrees(expected["welch"][3])
    kruskal = kruskal_wallis([count_distinct(x) for x in samples.values()])
    found = [kruskal.statistic, kruskal.df_between, kruskal.p_value]
    assert found == agrees(expected["kruskal"])
    share = variance_explained(groups)
    assert share.eta_squared == agrees(expected["eta_squared"])
    assert share.omega_squared == agrees(expected["omega_squared"])
    assert share.confidence_interval is not None
    limits = [share.confidence_interval.low, share.confidence_interval.high]
    assert limits == agrees(expected["share_interval"])
    pairs = compare_pairs(groups)
    assert [pair.p_value for pair in pairs] == agrees(expected["p_values"])
    assert [pair.adjusted_p_value for pair in pairs] == agrees(expected["holm"])
    for pair, interval, effect in zip(
        pairs, expected["intervals"], expected["effects"], strict=True
    ):
        assert [pair.confidence_interval.low, pair.confidence_interval.high] == agrees(interval)
        assert pair.effect is not None
        limits = [pair.effect.confidence_interval.low, pair.effect.confidence_interval.high]
        assert [pair.effect.g, *limits] == agrees(effect)


def test_games_howell_equals_r(name: str) -> None:
    expected = REFERENCE[name]["comparisons"]["openness"]
    scores = read(name).scores[:, 0]
    samples = [
        scores[(column(name, "education") == int(level)) & ~np.isnan(scores)]
        for level in expected["groups"]
    ]
    groups = [GroupSummary("", len(x), x.mean(), x.std(ddof=1)) for x in samples]
    pairs = games_howell(groups)
    # Both integrate numerically; R states no more digits for its own.
    found = [pair.adjusted_p_value for pair in pairs]
    assert found == pytest.approx(expected["games_howell"], rel=1e-6, abs=1e-9)
    widths = [(p.confidence_interval.high - p.confidence_interval.low) / 2 for p in pairs]
    assert widths == pytest.approx(expected["games_howell_width"], rel=1e-5)


def test_distances_equal_r(name: str) -> None:
    expected = REFERENCE[name]["distances"]
    scores = read(name).scores
    whole = scores[~np.isnan(scores).any(axis=1)]
    squared = mahalanobis_squared(whole, whole.mean(axis=0), np.cov(whole.T))
    assert len(whole) == expected["n"]
    assert squared[:25].tolist() == agrees(expected["first"])
    assert (squared**2).sum() == agrees(expected["sum_of_squares"])
    assert squared.max() == agrees(expected["largest"])
    p = distance_p_values(squared, len(whole), 5)
    assert p[:25].tolist() == agrees(expected["first_p"])
    assert (p < 0.001).sum() == expected["below_a_thousandth"]


@by_trait
def test_limits_of_a_trait_equal_r(name: str, trait: str) -> None:
    expected = REFERENCE[name]["fences"][trait]
    counts = count_distinct(scores_of(name, trait))
    for kind, limits in (("robust", robust_limits(*counts)), ("tukey", tukey_fences(*counts))):
        assert [limits.low, limits.high] == agrees(expected[kind])
        assert limits.below + limits.above == expected[f"{kind}_count"]


def summary(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    x = values[np.isfinite(values)]
    return {
        "n": len(x),
        "mean": x.mean(),
        "sd": x.std(ddof=1),
        "minimum": x.min(),
        "maximum": x.max(),
    }


def test_even_odd_consistency_equals_r(name: str) -> None:
    found = even_odd_consistency(keyed(name), [scale(name, trait) for trait in TRAITS], MISSING)
    assert summary(found) == agrees(REFERENCE[name]["even_odd"])


def test_synonym_consistency_equals_r(name: str) -> None:
    answers = read(name).answers
    likeness = ItemMoments.from_matrix(answers, missing=MISSING).correlation()
    found = synonym_consistency(answers, likeness, MISSING, critical=0.5)
    assert summary(found) == agrees(REFERENCE[name]["synonyms"])


def sheets(name: str, trait: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    answers = keyed(name)[:, scale(name, trait)].astype(np.int64)
    whole = (answers != MISSING).all(axis=1) & (column(name, "gender") != MISSING)
    return answers[whole], column(name, "gender")[whole] == 2


@by_trait
def test_item_functioning_equals_r(name: str, trait: str) -> None:
    answers, is_focal = sheets(name, trait)
    expected = REFERENCE[name]["mantel"][trait]
    names = list(expected)
    for item in _judge(answers, is_focal, names, np.ones(len(names), dtype=bool)):
        figures = expected[item.item]
        assert item.statistic == agrees(figures["statistic"])
        assert item.p_value == agrees(figures["p_value"])
        assert item.mean_difference == agrees(figures["mean_difference"])
        assert item.standardized_difference == agrees(figures["standardized"])
    purified = analyze_items(answers[~is_focal], answers[is_focal], names, missing=MISSING)
    assert [item.item for item in purified] == names


@by_trait
def test_item_functioning_of_two_answers_equals_mantel_haenszel(name: str, trait: str) -> None:
    answers, is_focal = sheets(name, trait)
    expected = REFERENCE[name]["mantel_of_two"][trait]
    names = list(expected)
    binary = (answers > 3).astype(np.int64)
    found = _judge(binary, is_focal, names, np.ones(len(names), dtype=bool))
    assert [item.statistic for item in found] == agrees(list(expected.values()))


@by_trait
def test_percentiles_in_a_norm_group_equal_r(name: str, trait: str) -> None:
    expected = REFERENCE[name]["ranks"][trait]
    found = mid_rank_percentiles(*count_distinct(scores_of(name, trait)), expected["scores"])
    assert found.tolist() == agrees(expected["percentiles"])
