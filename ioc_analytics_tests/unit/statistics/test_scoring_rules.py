"""Scoring rules: against R, honest at their best, and refusing what cannot be judged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import (
    brier_score,
    calibrate,
    interval_coverage,
    mean_absolute_error,
    pinball_loss,
)

REFERENCE = json.loads((Path(__file__).parent / "reference" / "scoring_rules.json").read_text())


def agrees(expected: Any) -> Any:
    return pytest.approx(expected, rel=1e-6)


def test_scoring_rules_equal_r() -> None:
    outcomes, probabilities = REFERENCE["outcomes"], REFERENCE["probabilities"]
    found = calibrate(outcomes, probabilities)
    assert found.slope == agrees(REFERENCE["slope"])
    assert found.slope_interval.low == agrees(REFERENCE["low"])
    assert found.slope_interval.high == agrees(REFERENCE["high"])
    assert found.intercept == agrees(REFERENCE["intercept"])
    assert brier_score(outcomes, probabilities) == agrees(REFERENCE["brier"])
    actual, quantile = REFERENCE["actual"], REFERENCE["quantile"]
    assert pinball_loss(actual, quantile, 0.9) == agrees(REFERENCE["pinball"])
    assert mean_absolute_error(actual, quantile) == agrees(REFERENCE["absolute"])


def test_the_truth_has_the_best_score() -> None:
    generator = np.random.default_rng(5)
    drawn = generator.gamma(2.0, 10.0, 20_000)
    truth = float(np.quantile(drawn, 0.9))
    at = [pinball_loss(drawn, np.full(drawn.size, truth * by), 0.9) for by in (0.8, 1.0, 1.25)]
    assert at[1] < min(at[0], at[2])
    chance = generator.uniform(0.1, 0.9, 20_000)
    happened = (generator.uniform(size=20_000) < chance).astype(float)
    assert brier_score(happened, chance) < brier_score(happened, np.clip(2 * chance - 0.5, 0, 1))
    assert calibrate(happened, chance).slope == pytest.approx(1, abs=0.1)
    too_bold = calibrate(happened, chance**2 / (chance**2 + (1 - chance) ** 2))
    assert too_bold.slope == pytest.approx(0.5, abs=0.05)
    assert too_bold.slope_interval.high < 1


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="found 0"):
        mean_absolute_error([], [])
    with pytest.raises(InvalidInput, match="one length"):
        mean_absolute_error([1.0], [1.0, 2.0])
    with pytest.raises(InvalidInput, match="finite"):
        pinball_loss([np.nan], [1.0], 0.5)
    with pytest.raises(InvalidInput, match="before it begins"):
        interval_coverage([1.0], [2.0], [0.0])
    with pytest.raises(InvalidInput, match="0 or 1"):
        brier_score([0.5], [0.5])
    chance = np.linspace(0.1, 0.9, 40)
    with pytest.raises(NotEnoughData, match="10 outcomes of either kind, found 9"):
        calibrate((np.arange(40) < 9).astype(float), chance)
    with pytest.raises(NotEnoughData, match="one value"):
        calibrate(np.arange(40) % 2, np.full(40, 0.5))
    with pytest.raises(NotEnoughData, match="without an error"):
        calibrate((chance > 0.5).astype(float), chance)
