"""Outcome models: calibrated on later snapshots, plain where nothing more can be said."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import special

from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.statistics import calibrate, race_outcomes

Rows = tuple[pd.DataFrame, npt.NDArray[np.int64], npt.NDArray[np.int64]]


def draw(seed: int, per_snapshot: int, *, signal: float = 1.0, snapshots: int = 20) -> Rows:
    """Return rows whose log odds are known: a curve, a category, and much that says nothing."""
    generator = np.random.default_rng(seed)
    n = per_snapshot * snapshots
    frame = pd.DataFrame(
        {
            "hours": np.log1p(generator.uniform(0, 336, n)),
            "organization": generator.normal(size=n),
            "device": generator.choice(["desktop", "mobile", "tablet"], n),
            "region": generator.choice([f"r{i}" for i in range(12)], n),
        }
    )
    odds = 2.0 - 0.7 * frame["hours"] + 0.5 * frame["organization"]
    odds = signal * (odds - 0.6 * (frame["device"] == "mobile")) - 0.5
    outcomes = (generator.random(n) < special.expit(odds)).astype(np.int64)
    return frame, outcomes, np.repeat(np.arange(snapshots), per_snapshot)


def test_probabilities_of_later_rows_are_calibrated() -> None:
    frame, outcomes, snapshots = draw(1, 150)
    is_past = snapshots < 15
    model = race_outcomes(frame[is_past], outcomes[is_past], snapshots[is_past])
    assert model.name == "logistic"
    slope = calibrate(outcomes[~is_past], model.predict(frame[~is_past]))
    assert 0.85 <= slope.slope <= 1.15
    is_next = snapshots == 15
    interval = model.sum_interval(model.predict(frame[is_next]), 0.9)
    assert interval.low <= outcomes[is_next].sum() <= interval.high
    briers = {result.model: result.brier for result in model.race}
    assert briers["logistic"] < briers["base_rate"]


@pytest.mark.nightly
def test_slopes_and_intervals_hold_on_later_data(capsys: pytest.CaptureFixture[str]) -> None:
    lines, faults = ["rows a snapshot   slope   covered %   winners"], []
    for per_snapshot in (60, 150, 400):
        slopes, covered, winners = [], [], []
        for seed in range(60):
            frame, outcomes, snapshots = draw(seed, per_snapshot)
            is_past = snapshots < 19
            model = race_outcomes(frame[is_past], outcomes[is_past], snapshots[is_past])
            raced = {r.model: r.calibration for r in model.race}["logistic"]
            slopes.append(raced.slope if raced else np.nan)
            interval = model.sum_interval(model.predict(frame[~is_past]), 0.9)
            covered.append(interval.low <= outcomes[~is_past].sum() <= interval.high)
            winners.append(model.name)
        slope, share = float(np.mean(slopes)), 100 * float(np.mean(covered))
        names = {name: winners.count(name) for name in sorted(set(winners))}
        lines.append(f"{per_snapshot:15} {slope:7.3f} {share:11.1f}   {names}")
        if not (0.9 <= slope <= 1.1 and share >= 80):
            faults.append(lines[-1])
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 - the table is what the test is for
    assert not faults


def test_where_features_say_nothing_the_share_of_all_wins() -> None:
    model = race_outcomes(*draw(2, 100, signal=0.0))
    assert model.name == "base_rate"
    assert {r.model: r.calibration for r in model.race}["base_rate"] is None


def test_too_little_is_refused_with_what_was_found() -> None:
    frame, outcomes, snapshots = draw(3, 10)
    with pytest.raises(NotEnoughData, match=r"100 without.*found \d+ with and \d+ without, at 20"):
        race_outcomes(frame, outcomes, snapshots)
    frame, outcomes, snapshots = draw(3, 300, snapshots=3)
    with pytest.raises(NotEnoughData, match="at 3"):
        race_outcomes(frame, outcomes, snapshots)
