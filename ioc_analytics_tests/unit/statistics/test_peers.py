"""Agreement, shrinkage, funnels and ranks: against R, and against the truth by simulation."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics import (
    agreement_rate,
    bland_altman,
    draw_funnel,
    estimate_prior,
    intraclass_correlation,
    weighted_kappa,
)

REFERENCE = json.loads((Path(__file__).parent / "reference" / "peers.json").read_text())
EDGES = [20, 40, 60, 80]


def agrees(expected: Any) -> Any:
    """Equal to R to 1e-6; what is nearly 0 to 1e-9."""
    return pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("expected", REFERENCE["agreement"], ids=["attitude", "waves"])
def test_agreement_equals_psych(expected: dict[str, Any]) -> None:
    x, y = np.array(expected["first"]), np.array(expected["second"])
    limits = bland_altman(x, y)
    for name in ("bias", "limit_low", "limit_high", "limit_margin", "mean_absolute_difference"):
        assert getattr(limits, name) == agrees(expected[name])
    assert limits.bias_interval.low == agrees(expected["bias_low"])
    assert limits.bias_interval.high == agrees(expected["bias_high"])
    icc = intraclass_correlation(x, y)
    assert icc.icc == agrees(expected["icc"])
    assert icc.confidence_interval is not None
    assert icc.confidence_interval.low == agrees(expected["icc_low"])
    assert icc.confidence_interval.high == agrees(expected["icc_high"])
    kappa = weighted_kappa(np.digitize(x, EDGES), np.digitize(y, EDGES), 5)
    assert kappa.kappa == agrees(expected["weighted_kappa"])
    rate = agreement_rate(x, y, 10)
    assert rate.agreed == expected["agreed"]
    assert [rate.confidence_interval.low, rate.confidence_interval.high] == agrees(
        expected["rate_interval"]
    )


@pytest.mark.parametrize("expected", REFERENCE["groups"], ids=["five", "attitude", "equal"])
def test_shrinkage_and_funnel_equal_r(expected: dict[str, Any]) -> None:
    y, v = np.array(expected["values"]), np.array(expected["variances"])
    prior = estimate_prior(y, v)
    for name in ("mean", "mean_error", "between_variance"):
        assert getattr(prior, name) == agrees(expected["prior"][name])
    assert prior.posterior(y, v).values.tolist() == agrees(expected["prior"]["shrunken"])
    funnel = draw_funnel(y, v)
    for name in ("dispersion", "between_variance", "target"):
        assert getattr(funnel, name) == agrees(expected["funnel"][name])
    limits = funnel.limits(v[0])
    assert [limits.low, limits.high] == agrees(
        [expected["funnel"]["low"], expected["funnel"]["high"]]
    )


def test_raters_that_never_vary_have_no_coefficient() -> None:
    same = np.full(5, 40.0)
    assert intraclass_correlation(same, same).reason == "all scores are equal"
    assert weighted_kappa([1, 1, 1], [1, 1, 1], 5).reason == "all scores lie in one band"
    perfect = intraclass_correlation([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    assert perfect.icc == pytest.approx(1.0)
    assert perfect.confidence_interval is None


def test_too_little_or_impossible_data_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="found 2"):
        bland_altman([1.0, 2.0, np.nan], [1.0, 2.0, 3.0])
    with pytest.raises(InvalidInput):
        bland_altman([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(NotEnoughData, match="found 4"):
        draw_funnel([1.0, 2.0, 3.0, 4.0], [1.0] * 4)
    with pytest.raises(InvalidInput):
        estimate_prior([1.0, np.nan, 2.0], [1.0] * 3)


def _organizations(
    source: np.random.Generator, number: int, spread: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """True values, observed means and sampling variances of ordinary organizations."""
    truth = source.normal(50, spread, number)
    variances = 144 / source.integers(10, 80, number)
    return truth, source.normal(truth, np.sqrt(variances)), variances


def _false_outliers(rounds: int, number: int, spread: float) -> float:
    """Share of ordinary organizations called outliers."""
    source = np.random.default_rng([number, int(10 * spread)])
    outliers = 0
    for _ in range(rounds):
        _, observed, variances = _organizations(source, number + 1, spread)
        funnel = draw_funnel(observed[1:], variances[1:])
        outliers += funnel.p_value(observed[0], variances[0]) < 0.05
    return outliers / rounds


def test_ordinary_organizations_are_rarely_outliers() -> None:
    assert np.mean([_false_outliers(300, number, 2.0) for number in (8, 30)]) <= 0.07


@pytest.mark.nightly
def test_false_outliers_are_as_rare_as_stated() -> None:
    table = {
        (number, spread): _false_outliers(4000, number, spread)
        for number in (5, 8, 15, 30, 100)
        for spread in (0.5, 2.0, 5.0)
    }
    sys.stdout.write("\npeers  between SD  false outliers\n")
    for (number, spread), outliers in table.items():
        sys.stdout.write(f"{number:5}  {spread:10.1f}  {outliers:14.3f}\n")
    assert np.mean(list(table.values())) <= 0.05


def test_shrinkage_comes_nearer_to_the_truth() -> None:
    source = np.random.default_rng(7)
    raw, shrunken = [], []
    for _ in range(200):
        truth, observed, variances = _organizations(source, 40, 2.0)
        best = estimate_prior(observed, variances).posterior(observed, variances).values
        raw.append(np.mean((observed - truth) ** 2))
        shrunken.append(np.mean((best - truth) ** 2))
    assert np.sqrt(np.mean(shrunken)) < 0.8 * np.sqrt(np.mean(raw))
