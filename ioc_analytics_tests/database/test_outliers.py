"""Outliers are those that the rows show, by instrument; segments against their own past."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight import report_checks
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.records.vocabularies import TRAITS

MONTHS = 9
PER_MONTH = 40
FAR = (80.0, 50.0, 20.0, 50.0, 50.0)
"""Each score alone is usual; openness and extraversion go together in everybody else."""


def vectors() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return scores of 2 industries x 9 months x 40 people, the last month of one raised."""
    generator = np.random.default_rng(7)
    scores = generator.normal(50.0, 10.0, size=(2 * MONTHS * PER_MONTH, len(TRAITS)))
    scores[:, 2] = scores[:, 0] + generator.normal(0.0, 2.0, size=len(scores))
    scores[-PER_MONTH:, 4] += 15.0
    scores[0] = FAR
    return np.clip(scores.round(3), 0.0, 100.0)


@pytest.fixture
def survey(analytics: AnalyticsSystem) -> AnalyticsSystem:
    responses, scores = [], []
    for number, vector in enumerate(vectors()):
        industry, month = divmod(number // PER_MONTH, MONTHS)
        start = datetime(2024, month + 1, 1, tzinfo=UTC) + timedelta(hours=number % PER_MONTH)
        responses.append(
            {
                "response_id": f"r{number}",
                "assessment_id": ("a", "b")[industry],
                "status": "completed",
                "started_at": start.isoformat(),
            }
        )
        scores += [
            {"response_id": f"r{number}", "dimension": trait, "score": score}
            for trait, score in zip(TRAITS, vector.tolist(), strict=True)
        ]
    assessments = [
        {
            "assessment_id": key,
            "organization_id": key,
            "industry": industry,
            "assessment_type": "team",
            "instrument": "ipip50",
            "created_at": "2023-12-01",
        }
        for key, industry in (("a", "51"), ("b", "52"))
    ]
    frames = {"assessments": assessments, "responses": responses, "scores": scores}
    analytics.ingest_data(AnonymizationPipeline(analytics.config).process_data(frames))
    return analytics


def test_the_far_vector_is_named_with_its_distance(survey: AnalyticsSystem) -> None:
    answer = survey.find_outliers()
    x = vectors()
    centred = x - x.mean(axis=0)
    truth = np.einsum("ij,jk,ik->i", centred, np.linalg.inv(np.cov(centred.T)), centred)
    first = answer.responses[0]
    assert tuple(first.scores.values()) == FAR
    assert first.distance_squared == pytest.approx(truth[0], rel=1e-9)
    assert first.response_hash == survey.pseudonym("response", "r0")
    found = answer.by_instrument["ipip50"]
    assert found.vectors == len(x)
    assert found.far_responses == len(answer.responses) == len(answer.to_frame())
    assert found.far_responses <= 3, "normal people are not called far"
    for at, trait in enumerate(TRAITS):
        low, high = np.quantile(x[:, at], [0.25, 0.75])
        fences = found.limits[trait][1]
        assert fences.low is not None and fences.high is not None
        assert fences.low == pytest.approx(low - 1.5 * (high - low), rel=1e-9)
        assert fences.below == (x[:, at] < fences.low).sum()
        assert fences.above == (x[:, at] > fences.high).sum()
    assert json.loads(json.dumps(answer.to_dict()))["methods"]


def test_the_raised_month_is_found_and_no_other(survey: AnalyticsSystem) -> None:
    for _ in range(2):
        answer = survey.find_outliers()
        assert answer.judged_months == 2 * (MONTHS - 6) * len(TRAITS)
        (found,) = answer.segments
        assert (found.dimension, found.trait) == ("industry_category", TRAITS[4])
        assert (found.month, found.sample_size, found.past_months) == (
            date(2024, MONTHS, 1),
            PER_MONTH,
            MONTHS - 1,
        )
        assert found.difference == pytest.approx(15.0, abs=6.0)
        survey.refresh()


def test_too_short_a_history_and_no_data_are_said(survey: AnalyticsSystem) -> None:
    short = survey.find_outliers(time_range={"start": "2024-01-01", "end": "2024-04-01"})
    assert short.judged_months == 0
    assert any(entry["figure"] == "segments" for entry in short.withheld)
    with pytest.raises(NotEnoughData, match="0 scored responses"):
        survey.find_outliers(time_range={"start": "2020-01-01", "end": "2020-04-01"})


def test_a_report_takes_the_distances_of_a_sample_and_says_so(
    survey: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = survey.find_outliers().by_instrument
    monkeypatch.setattr(report_checks, "MOST_DISTANCES", 100)
    report = survey.generate_report({"sections": ["outliers"], "filename": "sample.html"})
    section = report.sections[0]
    found = section.figures["by_instrument"]
    sampled = {name: one for name, one in found.items() if one["share"] < 1}
    assert sampled
    for name, one in sampled.items():
        assert one["share"] * whole[name].vectors < 110
        assert one["vectors"] is not None
        assert 60 < one["vectors"] < 140
        told = f"of {one['vectors']:,} responses lie far off in the five traits together (a sample"
        assert any(told in remark for remark in section.remarks)
