"""AI raters: their agreement over a range, released by day with intervals, and a rater's drift."""

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight import report_checks
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics import (
    agreement_rate,
    bland_altman,
    intraclass_correlation,
    weighted_kappa,
)
from ioc_analytics_tests.database.survey import START
from ioc_analytics_tests.fixtures.batches import assessment, response

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "ai-validation.md"
WEEKS = 10
PER_WEEK = 40


def rated(config: Any, *, leap: float = 0.0, start: datetime = START) -> Any:
    """Return ten weeks of responses that two models rated; the second leaps in the last week."""
    generator = np.random.default_rng(5)
    responses, scores, validations = [], [], []
    for number in range(WEEKS * PER_WEEK):
        week = number // PER_WEEK
        moment = start + timedelta(days=7 * week, minutes=35 * (number % PER_WEEK))
        key = f"r{number}"
        responses.append(response(key, started_at=moment.isoformat()))
        # People differ from week to week: that is no drift.
        level = float(np.clip(generator.normal(45 + week, 12), 5, 80))
        scores.append({"response_id": key, "dimension": "openness", "score": round(level, 2)})
        steady, leaping = level + generator.normal(size=2) * 4
        validations.append(
            {
                "response_id": key,
                "dimension": "openness",
                "primary_model": "steady",
                "primary_score": float(np.clip(steady, 0, 100)),
                "secondary_model": "leaping",
                "secondary_score": float(np.clip(leaping + leap * (week == WEEKS - 1), 0, 100)),
            }
        )
    return AnonymizationPipeline(config).process_data(
        {
            "assessments": [assessment()],
            "responses": responses,
            "scores": scores,
            "ai_validations": validations,
        }
    )


def pairs(analytics: AnalyticsSystem, where: str = "TRUE") -> tuple[list[float], list[float]]:
    with analytics.database.connection("analyst") as connection:
        rows = connection.execute(
            f"""SELECT primary_score, secondary_score
            FROM internal.ai_validations WHERE {where}""".encode()
        ).fetchall()
    return [row[0] for row in rows], [row[1] for row in rows]


def test_agreement_over_a_range_is_that_of_the_rows(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(rated(analytics.config))
    end = (START + timedelta(days=35)).date().isoformat()
    for time_range, where in ((None, "TRUE"), ({"end": end}, f"created_at < '{end}'")):
        found = analytics.analyze_ai_validation(time_range)
        first, second = pairs(analytics, where)
        (one,) = found.agreements
        assert (one.dimension, one.primary_model, one.secondary_model) == (
            TRAITS[0],
            "steady",
            "leaping",
        )
        assert one.sample_size == len(first)
        own, other = (np.digitize(scores, (20, 40, 60, 80)) for scores in (first, second))
        assert one.agreement.limits.bias == pytest.approx(bland_altman(first, second).bias)
        assert one.agreement.icc.icc == pytest.approx(intraclass_correlation(first, second).icc)
        assert one.agreement.kappa.kappa == pytest.approx(weighted_kappa(own, other, 5).kappa)
        assert one.agreement.rate == agreement_rate(first, second, 10)
    assert found.to_frame()["n"].tolist() == [len(first)]
    assert json.loads(json.dumps(found.to_dict()))["agreements"][0]["sample_size"] == len(first)


def test_a_sample_is_drawn_by_pseudonyms_and_told(
    analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    analytics.ingest_data(rated(analytics.config))
    monkeypatch.setattr(report_checks, "MOST_RATED", 100)
    reports = [
        analytics.generate_report({"sections": ["ai_validation"], "filename": f"{n}.html"})
        for n in range(2)
    ]
    section, again = (report.sections[0] for report in reports)
    assert section.figures == again.figures
    (one,) = section.figures["agreements"]
    first, second = pairs(analytics, "response_hash < '40000000-0000-0000-0000-000000000000'")
    assert one["scored"] == WEEKS * PER_WEEK
    assert 60 < one["sample_size"] == len(first) < 140
    bias = bland_altman(first, second).bias
    assert one["agreement"]["limits"]["bias"] == pytest.approx(bias)
    assert section.figures["drift_share"] == 0.25
    (told,) = [remark for remark in section.remarks if "sample" in remark]
    assert f"{len(first):,} of 400 responses of a trait" in told
    monkeypatch.setattr(report_checks, "MOST_RATED", WEEKS * PER_WEEK)
    whole = analytics.generate_report({"sections": ["ai_validation"], "filename": "all.html"})
    assert not any("sample" in remark for remark in whole.sections[0].remarks)


def test_a_rater_that_leaps_is_named_and_other_people_are_no_drift(
    platform_factory: Any,
) -> None:
    calm, leaping = platform_factory(), platform_factory()
    calm.ingest_data(rated(calm.config))
    found = calm.analyze_ai_validation()
    assert found.judged_weeks == {"leaping": 4, "steady": 4}
    assert found.drift == ()
    leaping.ingest_data(rated(leaping.config, leap=8.0))
    (week,) = leaping.analyze_ai_validation().drift
    assert (week.model, week.dimension, week.past_weeks) == ("leaping", "openness", 9)
    assert week.week == date(2024, 1, 1) + timedelta(days=7 * (WEEKS - 1))
    assert week.difference == pytest.approx(8, abs=2.5)


def test_released_days_carry_the_intervals(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(rated(analytics.config))
    analytics.refresh()
    rows = analytics.query("SELECT * FROM dual_ai_validation_metrics ORDER BY metric_date").data
    assert len(rows) == WEEKS
    for row in rows[:3]:
        day = row["metric_date"]
        first, second = pairs(analytics, f"created_at >= '{day}' AND created_at < date '{day}' + 1")
        icc = intraclass_correlation(first, second).confidence_interval
        assert icc is not None
        assert (row["icc_low"], row["icc_high"]) == pytest.approx((icc.low, icc.high))
        rate = agreement_rate(first, second, 10).confidence_interval
        assert row["agreement_rate_low"] == pytest.approx(rate.low)
        for name in ("icc", "weighted_kappa", "agreement_rate"):
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]


def test_too_few_ratings_are_refused_and_gaps_are_told(analytics: AnalyticsSystem) -> None:
    with pytest.raises(NotEnoughData, match="10 responses"):
        analytics.analyze_ai_validation()
    analytics.ingest_data(rated(analytics.config))
    short = analytics.analyze_ai_validation({"end": (START + timedelta(days=20)).isoformat()})
    assert short.judged_weeks == {"leaping": 0, "steady": 0}
    assert {entry["figure"] for entry in short.withheld} == {"drift.leaping", "drift.steady"}


def test_the_guides_example_runs(
    analytics: AnalyticsSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    analytics.ingest_data(rated(analytics.config, leap=8.0, start=START.replace(year=2025)))
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    exec(example, {"analytics": analytics})  # noqa: S102  # the guide is ours
    assert "leaping openness" in capsys.readouterr().out
