"""Completion of open responses: learnt from earlier moments, calibrated, scored by what came."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.cli.completion import show_completion
from ioc_analytics.cli.session import Session
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.statistics import calibrate
from ioc_analytics.synthetic.expectations import expected_later_completion
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.synthetic.population import REFERENCE
from ioc_analytics_tests.database.survey import ASSESSMENTS, START, assessment_records

DAYS = 200
MEAN_DELAY_DAYS = 3.0
SHARES = (0.75, 0.75, 0.3, 0.3)
"""Probability that a response to each assessment is ever completed.

Those that are take days, exponentially.
"""


class Person(NamedTuple):
    """A response of the simulated survey, in days after ``START``."""

    assessment: int
    device: str
    started: float
    completed: float | None


def simulate(people: int) -> list[Person]:
    generator = np.random.default_rng(11)
    found = []
    for started in np.sort(generator.uniform(0, DAYS, people)).tolist():
        assessment = int(generator.integers(len(SHARES)))
        device = ["desktop", "mobile"][int(generator.integers(2))]
        is_done = generator.random() < SHARES[assessment]
        delay = float(generator.exponential(MEAN_DELAY_DAYS))
        found.append(Person(assessment, device, started, started + delay if is_done else None))
    return found


def known_at(config: Any, people: list[Person], day: float, touched: float | None = None) -> Any:
    """Return what a batch of that day says: who has started, and who has completed.

    With ``touched``, all assessments were changed on that day.
    """

    def moment(after: float) -> str:
        return (START + timedelta(days=after)).isoformat()

    responses = []
    for number, person in enumerate(people):
        if person.started >= day:
            continue
        is_done = person.completed is not None and person.completed < day
        end = moment(person.completed) if is_done and person.completed is not None else None
        responses.append(
            {
                "response_id": f"r{number}",
                "assessment_id": ASSESSMENTS[person.assessment][0],
                "country": "DE",
                "device_type": person.device,
                "status": "completed" if is_done else "started",
                "time_spent_seconds": 300.0 if is_done else None,
                "completed_at": end,
                "started_at": moment(person.started),
                "updated_at": end or moment(person.started),
            }
        )
    return AnonymizationPipeline(config).process_data(
        {
            "assessments": [
                record if touched is None else record | {"updated_at": moment(touched)}
                for record in assessment_records()
            ],
            "responses": responses,
        }
    )


def truth(hours_open: Any, share: Any) -> Any:
    """Return the probability that who is open after these hours completes within 14 days."""
    now = np.exp(-hours_open / 24 / MEAN_DELAY_DAYS)
    later = np.exp(-(hours_open / 24 + 14) / MEAN_DELAY_DAYS)
    return share * (now - later) / (share * now + 1 - share)


def test_probabilities_are_calibrated_and_scored_when_the_truth_has_come(
    analytics: AnalyticsSystem,
) -> None:
    people = simulate(5000)
    analytics.ingest_data(known_at(analytics.config, people, DAYS - 15))
    found = analytics.predict_completion()
    slope = found.accuracy.backtest.calibration
    assert found.model == "logistic"
    assert slope is not None
    assert slope.slope_interval.low <= 1 <= slope.slope_interval.high
    assert 0.8 <= slope.slope <= 1.2
    assert found.accuracy.past is None
    assert found.interval.low < found.value < found.interval.high < found.open_responses
    assert len(found.responses) == found.open_responses > 100

    # Against what the simulation knows of each.
    facts = analytics.query(
        "SELECT r.id AS response_hash, r.device_type, a.industry_category "
        "FROM anonymized_assessment_responses AS r "
        "INNER JOIN anonymized_assessments AS a ON a.id = r.assessment_hash"
    ).to_frame()
    rows = found.to_frame().merge(facts, on="response_hash")
    shares = np.where(rows["industry_category"] == "Technology", SHARES[0], SHARES[2])
    known = truth(rows["hours_open"].to_numpy(), shares)
    assert np.abs(rows["probability"] - known).mean() < 0.05
    assert json.loads(json.dumps(found.to_dict()))["responses"][0]["probability"] == pytest.approx(
        rows["probability"].max()
    )

    # A selection is a part of it, and is asked about alone.
    mobile = analytics.predict_completion({"device_type": "mobile"})
    assert mobile.value == pytest.approx(rows["probability"][rows["device_type"] == "mobile"].sum())
    acme = analytics.predict_completion({"org_hash": "acme"})
    assert 0 < acme.open_responses < found.open_responses

    finance = analytics.predict_completion({"industry": "Finance"})
    assert 0 < finance.open_responses < found.open_responses

    # The same people, two weeks and a day later; all assessments have been touched since.
    assert analytics.score_predictions().waiting == 4
    analytics.ingest_data(known_at(analytics.config, people, DAYS, touched=DAYS - 1))
    scored = {one.id: one for one in analytics.score_predictions().scored}
    assert set(scored) == {1, 2, 3, 4}
    theirs = finance.to_frame()
    assert scored[4].actual == pytest.approx(_completed_among(analytics, theirs).mean())
    completed = _completed_among(analytics, rows)
    assert scored[1].actual == pytest.approx(completed.mean())
    assert scored[1].score["brier"] == pytest.approx(
        ((completed - found.value / found.open_responses) ** 2).mean()
    )
    assert found.interval.low <= completed.sum() <= found.interval.high
    assert calibrate(completed, rows["probability"]).slope_interval.low <= 1
    again = analytics.predict_completion().accuracy.past
    assert again is not None
    assert (again.predictions, again.brier) == (1, scored[1].score["brier"])

    # Long after everybody has ended, nobody is left to ask about.
    last = Person(0, "desktop", DAYS + 60, DAYS + 61)
    analytics.ingest_data(known_at(analytics.config, [*people, last], DAYS + 62))
    for filters in (None, {"device_type": "mobile"}, {"org_hash": "acme"}):
        nobody = analytics.predict_completion(filters)
        assert (nobody.share, nobody.value, nobody.open_responses) == (None, 0, 0)
        assert nobody.to_dict()["responses"] == []


def test_generated_interruptions_can_be_learnt(
    analytics: AnalyticsSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (batch,) = generate_files(
        tmp_path / "year", responses=8_000, seed=7, organizations=40, with_ai=False
    ).batches
    analytics.ingest_files(batch)
    found = analytics.predict_completion()
    assert found.model == "logistic"
    calibration = found.accuracy.backtest.calibration
    assert calibration is not None
    assert calibration.slope_interval.low <= 1 <= calibration.slope_interval.high
    assert found.race[0].model == "base_rate"
    assert found.accuracy.backtest.brier < 0.9 * found.race[0].brier
    rows = found.to_frame()
    rows = rows[rows["hours_open"] >= 1]
    known = expected_later_completion(
        REFERENCE, builtin_instruments()["ipip50"], rows["hours_open"].to_numpy(), 14 * 24.0
    )
    assert np.abs(rows["probability"] - known).mean() < 0.06
    show_completion(Session(), found)
    shown = capsys.readouterr().out
    assert f"of {found.open_responses} open responses will be completed within 14 days" in shown
    assert "72 to 336" in shown
    assert "calibration slope" in shown


def _completed_among(analytics: AnalyticsSystem, rows: pd.DataFrame) -> pd.Series:
    done = analytics.query(
        "SELECT id AS response_hash FROM anonymized_assessment_responses "
        "WHERE status = 'completed'",
        (),
        {"max_rows": 10_000},
    ).to_frame()
    return rows["response_hash"].isin(done["response_hash"]).astype(float)


def test_what_cannot_be_predicted_is_refused(analytics: AnalyticsSystem) -> None:
    with pytest.raises(NotEnoughData, match="found 0"):
        analytics.predict_completion()
    analytics.ingest_data(known_at(analytics.config, simulate(300), DAYS))
    with pytest.raises(NotEnoughData, match=r"needs 100 rows with it.* found \d+ with and \d+"):
        analytics.predict_completion()
    with pytest.raises(InvalidInput, match="not known before"):
        analytics.predict_completion({"is_careless": True})
    with pytest.raises(InvalidInput, match="device_type knows no 'phone'"):
        analytics.predict_completion({"device_type": "phone"})
