"""Predictions are scored when the truth has come, once, whoever stored them."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics_tests.database.survey import START, make_survey

FRESH = {"use_cache": False}


def ledger(analytics: AnalyticsSystem, columns: str) -> list[dict[str, Any]]:
    statement = f"SELECT {columns} FROM predictive_analytics_results ORDER BY id"
    return analytics.query(statement, (), FRESH).data


def test_forecasts_are_scored_once_and_shown_beside_new_ones(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 500, days=60))
    first = analytics.forecast("response_volume", 7)
    early = analytics.score_predictions()
    assert (early.scored, early.waiting, early.left_out) == ((), 7, ())

    later = START + timedelta(days=60)
    analytics.ingest_data(make_survey(analytics.config, 70, seed=2, days=10, start=later, name="x"))
    found = analytics.score_predictions()
    assert (len(found.scored), found.waiting) == (7, 0)
    days = analytics.query(
        "SELECT created_at::date AS day, count(*) AS n FROM anonymized_assessment_responses "
        "GROUP BY created_at::date"
    )
    truth = {row["day"]: row["n"] for row in days.data}
    for point, row in zip(first.points, ledger(analytics, "*"), strict=True):
        came = truth[point.start]
        score = row["accuracy_metrics"]["score"]
        assert row["actual"] == came
        assert score["absolute_error"] == pytest.approx(abs(came - point.value))
        assert score["is_covered"] is (point.interval.low <= came <= point.interval.high)
        assert score["pinball_loss"] > 0
        assert row["accuracy_metrics"]["backtest"]["model"] == first.model
    errors = found.to_frame()["absolute_error"]

    before = ledger(analytics, "scored_at, actual, accuracy_metrics")
    assert analytics.score_predictions().scored == ()
    assert ledger(analytics, "scored_at, actual, accuracy_metrics") == before

    # Another pipeline's is scored too, and is no forecast of the race.
    other = {"model_name": "m", "model_version": "1", "prediction_target": "response_volume"}
    day = START.date()
    period = f"[{day},{day + timedelta(days=1)})"
    analytics.store_prediction_results([{**other, "target_period": period, "prediction": 1e6}])
    assert len(analytics.score_predictions().scored) == 1

    past = analytics.forecast("response_volume", 7).accuracy.past
    assert past is not None
    assert past.predictions == 7
    assert past.mean_absolute_error == pytest.approx(errors.mean())
    assert past.coverage == pytest.approx(found.to_frame()["is_covered"].mean())
    assert (past.first, past.last) == (first.points[0].end, first.points[-1].end)
    (week,) = past.bands
    assert (week.model, week.days_from, week.days_to) == (first.model, 1, 7)
    assert week.mean_absolute_error == past.mean_absolute_error
    # Neither another length of period nor another selection is the same question.
    assert (
        analytics.forecast("response_volume", 3, filters={"gender": "female"}).accuracy.past is None
    )


def test_other_pipelines_predictions_are_scored_as_far_as_they_can_be(
    analytics: AnalyticsSystem,
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 200, days=30))
    day = START.date() + timedelta(days=3)
    row = {
        "model_name": "m",
        "model_version": "1",
        "prediction_target": "response_volume",
        "target_period": f"[{day},{day + timedelta(days=1)})",
        "prediction": 5.0,
    }
    analytics.store_prediction_results(
        [
            {**row, "segment": {"gender": "female"}, "accuracy_metrics": {"auc": 0.7}},
            {**row, "interval_low": 0.0, "interval_high": 1000.0},
            {**row, "target_period": f"[{day},{day + timedelta(days=2)})"},
            {**row, "segment": {"planet": "Mars"}},
            {**row, "segment": {"region": "Atlantis"}},
            {**row, "prediction_target": "the weather"},
            {**row, "target_period": None},
        ]
    )
    found = analytics.score_predictions()
    assert {one.id for one in found.scored} == {1, 2}
    reasons = " ".join(entry["reason"] for entry in found.left_out)
    assert len(found.left_out) == 3
    assert "no day, week" in reasons
    assert "'planet'" in reasons
    assert "'Atlantis'" in reasons
    women, wide = ledger(analytics, "actual, accuracy_metrics")[:2]
    count = analytics.query(
        "SELECT count(*) AS n FROM anonymized_assessment_responses "
        "WHERE gender = 'female' AND created_at::date = $1",
        [day],
    )
    assert women["actual"] == count.data[0]["n"]
    assert women["accuracy_metrics"]["auc"] == 0.7
    assert wide["accuracy_metrics"]["score"]["is_covered"] is True
    assert "pinball_loss" not in wide["accuracy_metrics"]["score"]


def test_a_completion_that_cannot_be_judged_blocks_no_other(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 300, days=60))
    moment = START + timedelta(days=30)
    kept = {"accuracy_metrics": {"moment": moment.isoformat()}}
    row = {
        "model_name": "m",
        "model_version": "1",
        "prediction_target": "completion",
        "target_period": f"[{moment.date()},{moment.date() + timedelta(days=15)})",
        "prediction": 0.5,
    }
    unread = {"accuracy_metrics": {"moment": "soon"}}
    analytics.store_prediction_results([{**row}, {**row, **unread}, {**row, **kept}])
    # All of the survey end at once: somebody must be open at the moment.
    analytics.ingest_data(opened(analytics.config, moment - timedelta(days=2)))
    found = analytics.score_predictions()
    assert [(one.id, one.actual) for one in found.scored] == [(3, 0.0)]
    assert [entry["predictions"] for entry in found.left_out] == [1, 1]
    assert "does not say the moment" in found.left_out[0]["reason"]
    assert found.waiting == 0


def test_scores_are_told_apart_by_model_and_horizon(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 500, days=60))
    day = START.date() + timedelta(days=20)
    row = {
        "model_version": "1",
        "prediction_target": "response_volume",
        "target_period": f"[{day},{day + timedelta(days=1)})",
    }
    (came,) = {
        p.value for p in analytics.analyze_trends("response_volume").points if p.start == day
    }
    assert came is not None
    for model, days, miss in (
        ("ets", 1, 1.0), ("ets", 7, 3.0), ("ets", 8, 10.0),
        ("arima", 400, 40.0), ("arima", None, 5.0),
    ):  # fmt: skip
        horizon = {} if days is None else {"horizon": f"{days} days"}
        analytics.store_prediction_results(
            [{**row, **horizon, "model_name": model, "prediction": came + miss}]
        )
    analytics.score_predictions()
    past = analytics.forecast("response_volume", 7).accuracy.past
    assert past is not None
    assert past.predictions == 5
    assert past.mean_absolute_error == pytest.approx(59 / 5)
    found = {(b.model, b.days_from, b.days_to): b.mean_absolute_error for b in past.bands}
    assert found == {
        ("ets", 1, 7): pytest.approx(2.0),
        ("ets", 8, 30): pytest.approx(10.0),
        ("arima", 366, None): pytest.approx(40.0),
        ("arima", None, None): pytest.approx(5.0),
    }


def opened(config: Any, moment: datetime) -> Any:
    """Return a response of that moment that nobody completed."""
    return AnonymizationPipeline(config).process_data(
        {
            "responses": [
                {
                    "response_id": "open",
                    "assessment_id": "a1",
                    "status": "started",
                    "started_at": moment.isoformat(),
                }
            ]
        }
    )


def test_what_can_still_change_waits(analytics: AnalyticsSystem) -> None:
    today = datetime.now(START.tzinfo).date()
    start = START.replace(year=today.year, month=today.month, day=today.day) - timedelta(days=30)
    analytics.ingest_data(make_survey(analytics.config, 300, days=30, start=start))
    young, old = today - timedelta(days=5), today - timedelta(days=20)
    analytics.store_prediction_results([rate_of(young), rate_of(old)])
    found = analytics.score_predictions()
    assert ([one.start for one in found.scored], found.waiting) == ([old], 1)


def rate_of(day: date) -> dict[str, Any]:
    return {
        "model_name": "m",
        "model_version": "1",
        "prediction_target": "completion_rate",
        "target_period": f"[{day},{day + timedelta(days=1)})",
        "prediction": 0.9,
    }
