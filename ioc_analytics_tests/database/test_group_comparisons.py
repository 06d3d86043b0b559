"""Comparisons of groups say what the rows say, from states, from rows, and from both."""

import json

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics_tests.database.survey import make_survey

COLUMNS = {"industry": "a.industry_category", "gender": "r.gender", "region": "r.region"}


@pytest.fixture
def survey(analytics: AnalyticsSystem) -> AnalyticsSystem:
    analytics.ingest_data(make_survey(analytics.config, 400))
    return analytics


def demand_rows(survey: AnalyticsSystem, by: str) -> None:
    answer = survey.compare_groups(by)
    with survey.database.connection("analyst") as connection:
        truth = {
            (trait, group): (n, mean, sd)
            for trait, group, n, mean, sd in connection.execute(
                f"""SELECT s.dimension::text, {COLUMNS[by]}, count(*), avg(s.score),
                    stddev_samp(s.score)
                FROM anonymized_assessment_scores AS s
                JOIN anonymized_assessment_responses AS r
                    ON r.created_at = s.created_at AND r.id = s.response_hash
                JOIN anonymized_assessments AS a ON a.id = r.assessment_hash
                WHERE {COLUMNS[by]} <> 'unknown' GROUP BY 1, 2""".encode()
            )
        }
    found = {(t.name, g.name): g for t in answer.traits for g in t.groups}
    assert set(found) == set(truth)
    for key, (n, mean, sd) in truth.items():
        assert found[key].sample_size == n
        assert found[key].mean == pytest.approx(mean, abs=1e-9)
        assert found[key].std_dev == pytest.approx(sd, abs=1e-9)


def test_groups_equal_the_rows_before_and_after_refresh_and_in_between(
    survey: AnalyticsSystem,
) -> None:
    for by in COLUMNS:
        demand_rows(survey, by)
    survey.refresh()
    for by in COLUMNS:
        demand_rows(survey, by)
    survey.ingest_data(make_survey(survey.config, 30, seed=5, days=1, name="late"))
    for by in COLUMNS:
        demand_rows(survey, by)


def test_a_comparison_has_tests_pairs_and_reasons(survey: AnalyticsSystem) -> None:
    answer = survey.compare_groups("gender")
    trait = answer.traits[0]
    assert trait.welch is not None and trait.adjusted_p_value is not None
    assert trait.adjusted_p_value >= trait.welch.p_value
    assert len(trait.pairs) == 3
    assert "unknown" in answer.left_out
    assert answer.warnings
    assert json.loads(json.dumps(answer.to_dict()))["by"] == "gender"
    assert len(answer.to_frame()) == 15


def test_what_cannot_be_compared_is_refused(survey: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'gender'"):
        survey.compare_groups("gendre")
    only = {"field": "gender", "operator": "eq", "value": "female"}
    with pytest.raises(NotEnoughData, match="two groups"):
        survey.compare_groups("gender", [only])


def test_months_and_quarters_equal_the_rows_before_and_after_refresh(
    survey: AnalyticsSystem,
) -> None:
    for _ in range(2):
        for interval, step in (("monthly", "month"), ("quarterly", "quarter")):
            with survey.database.connection("analyst") as connection:
                truth = {
                    (period, trait): (n, mean)
                    for period, trait, n, mean in connection.execute(
                        f"""SELECT date_trunc('{step}', created_at, 'UTC')::date, dimension::text,
                            count(*), avg(score)
                        FROM anonymized_assessment_scores GROUP BY 1, 2""".encode()
                    )
                }
            history = survey.ocean_over_time(interval)
            found = {(p.period_start, p.trait): p for p in history.points}
            assert set(found) == set(truth)
            for key, (n, mean) in truth.items():
                assert found[key].sample_size == n
                assert found[key].average == pytest.approx(mean, abs=1e-9)
            assert len(history.to_frame()) == len(truth)
            assert json.loads(json.dumps(history.to_dict()))["interval"] == interval
        survey.refresh()
    with pytest.raises(InvalidInput, match="did you mean 'monthly'"):
        survey.ocean_over_time("montly")
