"""Early warnings over real rows: a planted fall is raised with its week, steady metrics are not."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics_tests.database.survey import START, assessment_records

WEEKS = 40
FALL = 34
"""Week from which fewer are completed."""


def responses() -> Iterator[dict[str, Any]]:
    generator = np.random.default_rng(4)
    for week in range(WEEKS):
        share = 0.9 if week < FALL else 0.7
        for number in range(60):
            started = START + timedelta(weeks=week, minutes=float(generator.integers(10_000)))
            is_done = generator.random() < share
            yield {
                "response_id": f"w{week}n{number}",
                "assessment_id": "a1",
                "country": "DE",
                "device_type": "desktop",
                "status": "completed" if is_done else "abandoned",
                "time_spent_seconds": 300.0,
                "started_at": started.isoformat(),
            }


def make(config: Any) -> Any:
    return AnonymizationPipeline(config).process_data(
        {"assessments": assessment_records(), "responses": list(responses())}
    )


def test_a_planted_fall_is_raised_with_its_week_and_evidence(analytics: AnalyticsSystem) -> None:
    empty = analytics.assess_risks()
    assert (empty.risks, empty.watched) == ((), ())
    assert {entry["figure"] for entry in empty.withheld} == {
        "completion_rate",
        "data_quality_score",
        "careless_rate",
        "ai_agreement_rate",
    }
    analytics.ingest_data(make(analytics.config))
    found = analytics.assess_risks()
    (risk,) = found.risks
    assert risk.metric == "completion_rate"
    assert risk.severity == "high"
    assert risk.since is not None
    assert 0 <= (risk.since - (START + timedelta(weeks=FALL)).date()).days <= 7
    assert risk.weighted < risk.interval.low < risk.expected < risk.interval.high
    assert 0.6 < risk.value < 0.8
    assert risk.expected == pytest.approx(0.9, abs=0.02)
    assert risk.p_value < found.false_alarm_rate == 0.01
    assert len(risk.evidence) == 8
    assert risk.sample_size == 8 * 60
    assert [week.is_alarm for week in risk.evidence][-2:] == [True, True]
    assert json.loads(json.dumps(found.to_dict()))["risks"][0]["metric"] == "completion_rate"
    # No scores, no AI: each figure that is missing says why.
    assert {entry["figure"]: entry["reason"] for entry in found.withheld}["ai_agreement_rate"]
    assert "completion_rate" in set(found.to_frame()["metric"])

    kept = analytics.query("SELECT * FROM predictive_analytics_results ORDER BY id").data
    assert {row["model_name"] for row in kept} == {"ewma_chart"}
    (version,) = {row["data_version"] for row in kept}
    assert version == found.data_version
    rate = next(row for row in kept if row["prediction_target"] == "completion_rate")
    assert rate["interval_low"] < rate["prediction"] == risk.expected < rate["interval_high"]

    with pytest.raises(InvalidInput, match="device_type knows no 'phone'"):
        analytics.assess_risks({"device_type": "phone"})
