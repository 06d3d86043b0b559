"""The thinnest way through: frames in, analysis out."""

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.privacy.pipeline import AnonymizationPipeline


def test_operational_frames_become_an_analysis(analytics: AnalyticsSystem) -> None:
    items = [item.code for item in builtin_instruments()["ipip50"].items]
    generator = np.random.default_rng(1)
    people = range(30)
    data = AnonymizationPipeline(analytics.config).process_data(
        {
            "assessments": [
                {
                    "assessment_id": "a",
                    "organization_id": "o",
                    "industry": "51",
                    "employee_count": 120,
                    "country": "DE",
                    "instrument": "ipip50",
                    "created_at": "2024-01-01",
                }
            ],
            "responses": [
                {
                    "response_id": f"r{n}",
                    "assessment_id": "a",
                    "status": "completed",
                    "started_at": f"2024-03-{n % 28 + 1:02}T10:00:00Z",
                }
                for n in people
            ],
            "question_responses": [
                {
                    "response_id": f"r{n}",
                    "question_id": code,
                    "value": int(generator.integers(1, 6)),
                }
                for n in people
                for code in items
            ],
        }
    )
    receipt = analytics.ingest_data(data)
    assert receipt.accepted == 1 + 30 + 1500
    before = analytics.get_ocean_analysis(
        [{"field": "industry_category", "operator": "eq", "value": "Technology"}],
        {"start": "2024-03-01", "end": "2024-04-01"},
    )
    analytics.refresh()
    after = analytics.get_ocean_analysis(
        [{"field": "industry_category", "operator": "eq", "value": "Technology"}],
        {"start": "2024-03-01", "end": "2024-04-01"},
    )
    assert before.sample_size == after.sample_size == 30
    assert before.traits == after.traits
    assert before.correlations == after.correlations
    rows = analytics.query(
        "SELECT avg(score) AS mean FROM anonymized_assessment_scores WHERE dimension = $1",
        ["openness"],
    )
    assert after.traits[0].average == pytest.approx(rows.data[0]["mean"])
