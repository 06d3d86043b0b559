"""Metrics against the raw rows: value, interval, what is withheld and what is refused."""

import json
from typing import Any

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData, PrivacyRefusal
from ioc_analytics.records.metrics import METRICS
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics import clustered_mean, clustered_rate, quantile_interval
from ioc_analytics_tests.database.survey import make_survey

PEOPLE = 400
RESPONSES = """SELECT r.*, a.industry_category FROM analytics.anonymized_assessment_responses AS r
    INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash"""


@pytest.fixture
def survey(analytics: AnalyticsSystem) -> AnalyticsSystem:
    analytics.ingest_data(make_survey(analytics.config, PEOPLE))
    return analytics


def rows(system: AnalyticsSystem, sql: str) -> list[tuple[Any, ...]]:
    with system.database.connection("analyst") as connection:
        return connection.execute(sql).fetchall()


def everything(system: AnalyticsSystem) -> dict[str, Any]:
    answers = {name: system.analyze_metric(name).to_dict() for name in METRICS}
    return json.loads(json.dumps(answers))  # type: ignore[no-any-return]


def test_every_metric_equals_the_rows_before_and_after_refreshing(survey: AnalyticsSystem) -> None:
    before = everything(survey)
    survey.refresh()
    after = everything(survey)
    for name, answer in before.items():
        figures = ("value", "sample_size", "design_effect")
        assert [after[name][f] for f in figures] == pytest.approx([answer[f] for f in figures])
        assert answer["unit"] == METRICS[name].unit
        if METRICS[name].kind in ("rate", "mean"):
            interval = answer["confidence"]
            assert interval["low"] <= answer["value"] <= interval["high"]
            assert answer["organizations"] == 4
    ((started, completed, abandoned, careless, mean, median),) = rows(
        survey,
        f"""SELECT count(*), count(*) FILTER (WHERE status = 'completed'),
        count(*) FILTER (WHERE status = 'abandoned'),
        count(*) FILTER (WHERE status = 'completed' AND is_careless),
        avg(time_spent_seconds) FILTER (WHERE status = 'completed'),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY time_spent_seconds)
        FILTER (WHERE status = 'completed') FROM ({RESPONSES}) AS x""",
    )
    ((agreed,),) = rows(
        survey,
        "SELECT avg((abs(primary_score - secondary_score) <= 10)::int)::float8"
        " FROM internal.ai_validations",
    )
    truth = {
        "assessment_volume": 5,
        "response_volume": started,
        "completion_rate": completed / started,
        "abandonment_rate": abandoned / started,
        "careless_rate": careless / completed,
        "avg_time_spent": mean,
        "median_time_spent": median,
        "ai_agreement_rate": agreed,
    }
    assert {name: before[name]["value"] for name in truth} == pytest.approx(truth)
    assert before["completion_rate"]["sample_size"] == started == PEOPLE


def test_intervals_know_that_people_share_an_organization(survey: AnalyticsSystem) -> None:
    groups = rows(
        survey,
        "SELECT count(*), count(*) FILTER (WHERE status = 'completed')"
        f" FROM ({RESPONSES}) AS x GROUP BY org_hash",
    )
    expected = clustered_rate(*np.array(groups).T)
    found = survey.analyze_metric("completion_rate")
    assert found.confidence is not None
    assert found.design_effect == pytest.approx(expected.design_effect)
    assert found.confidence.low == pytest.approx(expected.confidence_interval.low)
    assert found.confidence.method == "wilson_effective_n"
    scores = rows(
        survey,
        """SELECT count(*), sum(s.score) FROM analytics.anonymized_assessment_scores AS s
        INNER JOIN analytics.anonymized_assessment_responses AS r ON r.id = s.response_hash
        WHERE s.dimension = 'openness' GROUP BY r.org_hash""",
    )
    mean = clustered_mean(*np.array(scores, dtype=float).T)
    openness = survey.analyze_metric("openness")
    assert openness.confidence is not None
    assert openness.value == pytest.approx(mean.mean)
    assert openness.confidence.high == pytest.approx(mean.confidence_interval.high)
    times = rows(
        survey,
        f"""SELECT time_spent_seconds, count(*) FROM ({RESPONSES}) AS x
        WHERE status = 'completed' AND time_spent_seconds IS NOT NULL GROUP BY 1 ORDER BY 1""",
    )
    values, counts = zip(*times, strict=True)
    median = survey.analyze_metric("median_time_spent")
    assert median.confidence == quantile_interval(values, counts, 0.5)


def test_filters_and_ranges_keep_the_responses_they_name(survey: AnalyticsSystem) -> None:
    half = {"start": "2024-01-15", "end": "2024-02-10"}
    for filters, condition in (
        ({"industry": "Technology"}, "industry_category = 'Technology'"),
        ({"gender": "female"}, "gender = 'female'"),
        ({"is_careless": False}, "NOT is_careless"),
    ):
        ((started, completed),) = rows(
            survey,
            f"SELECT count(*), count(*) FILTER (WHERE status = 'completed') FROM ({RESPONSES}) AS x"
            f" WHERE {condition} AND created_at >= '2024-01-15Z' AND created_at < '2024-02-10Z'",
        )
        answer = survey.analyze_metric("completion_rate", filters, half)
        assert answer.sample_size == started
        assert answer.value == pytest.approx(completed / started)
    assert survey.analyze_metric("assessment_volume", {"industry": "Technology"}).value == 2
    assert survey.analyze_metric("assessment_volume", {"org_hash": "bolt"}).value == 1
    nobody = {"start": "2030-01-01", "end": None}
    assert survey.analyze_metric("response_volume", None, nobody).value == 0
    assert survey.analyze_metric("assessment_volume", None, nobody).value == 0


def test_the_order_of_filters_changes_nothing(survey: AnalyticsSystem) -> None:
    filters = [
        {"field": "gender", "operator": "ne", "value": "male"},
        {"field": "instrument", "operator": "eq", "value": "ipip50"},
        {"field": "is_careless", "operator": "eq", "value": False},
    ]
    for name in METRICS.keys() - {"assessment_volume"}:
        first = survey.analyze_metric(name, filters).to_dict()
        turned = survey.analyze_metric(name, filters[::-1]).to_dict()
        assert first | {"filters": None} == turned | {"filters": None}


def test_one_organization_says_that_it_cannot_see_between_organizations(
    survey: AnalyticsSystem,
) -> None:
    for name, method in (("completion_rate", "wilson"), ("openness", "student_t")):
        answer = survey.analyze_metric(name, {"org_hash": "acme"})
        assert answer.confidence is not None
        assert answer.confidence.method == method
        assert answer.design_effect is None
        assert answer.withheld[0]["reason"].startswith("one organization only")


def test_what_cannot_be_answered_is_refused_with_a_way_out(analytics: AnalyticsSystem) -> None:
    for name, metric in METRICS.items():
        if metric.kind == "count":
            assert analytics.analyze_metric(name).value == 0
        else:
            with pytest.raises(NotEnoughData, match=name):
                analytics.analyze_metric(name)
    with pytest.raises(InvalidInput, match="did you mean 'completion_rate'"):
        analytics.analyze_metric("completion_rat")
    with pytest.raises(InvalidInput, match="assessments have no gender"):
        analytics.analyze_metric("assessment_volume", {"gender": "female"})
    with pytest.raises(InvalidInput, match="unknown filter field"):
        analytics.analyze_metric("openness", {"colour": "red"})


def test_five_times_bound_no_median(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 5, seed=3))
    answer = analytics.analyze_metric("median_time_spent")
    assert answer.sample_size <= 5
    assert answer.confidence is None
    assert "cannot bound" in {w["figure"]: w["reason"] for w in answer.withheld}["confidence"]
    assert set(TRAITS) < set(METRICS)


def test_readers_of_released_figures_are_refused(survey: AnalyticsSystem) -> None:
    with (
        AnalyticsSystem(survey.config, role="reader") as reader,
        pytest.raises(PrivacyRefusal, match="exact figures"),
    ):
        reader.analyze_metric("openness")
