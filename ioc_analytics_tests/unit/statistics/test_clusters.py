"""The cluster-robust mean equals clubSandwich's, and refuses what it cannot carry."""

import json
from pathlib import Path

import pytest

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import clustered_mean

REFERENCE = json.loads((Path(__file__).parent / "reference/clusters.json").read_text("utf-8"))


def test_the_mean_equals_clubsandwich() -> None:
    found = clustered_mean(REFERENCE["sizes"], REFERENCE["sums"])
    ours = {
        "mean": found.mean,
        "standard_error": found.standard_error,
        "degrees_of_freedom": found.degrees_of_freedom,
        "low": found.confidence_interval.low,
        "high": found.confidence_interval.high,
    }
    for name, value in ours.items():
        assert value == pytest.approx(REFERENCE[name], rel=1e-6), name


def test_one_organization_and_impossible_figures_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="at least 2 clusters, found 1"):
        clustered_mean([5, 0], [10.0, 0.0])
    for sizes, sums in (([1, 2], [1.0]), ([1, -2], [1.0, 2.0]), ([1, 2], [1.0, float("nan")])):
        with pytest.raises(InvalidInput):
            clustered_mean(sizes, sums)
