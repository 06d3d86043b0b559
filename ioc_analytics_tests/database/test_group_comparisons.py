"""Comparisons of groups say what the rows say, from states, from rows, and from both."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.insight import item_examination
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
    assert answer.items is not None
    # Some ninety people of each gender answered each questionnaire: too few for their items.
    reasons = {one.instrument: one.reason for one in answer.items.not_examined}
    assert "fewer than 100 complete sheets" in reasons["ipip50"]
    assert "fewer than 4 items" in reasons["tipi"]
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


def with_an_easier_item(config: Any, people: int) -> dict[str, Any]:
    """Return a survey in which men answer one item of extraversion higher than their trait."""
    data = dict(make_survey(config, people))
    item = next(i for i in builtin_instruments()["ipip50"].items if i.trait == "extraversion")
    men = data["responses"].to_pandas().query("gender == 'male'")["id"]
    answers = data["question_responses"].to_pandas()
    is_easier = (answers["question_id"] == item.code) & answers["response_hash"].isin(men)
    step = -2 if item.is_reversed else 2
    answers.loc[is_easier, "value"] = (answers.loc[is_easier, "value"] + step).clip(1, 5)
    schema = data["question_responses"].schema
    data["question_responses"] = pa.Table.from_pandas(answers, schema, preserve_index=False)
    return data


@pytest.fixture
def unequal(analytics: AnalyticsSystem) -> Iterator[AnalyticsSystem]:
    analytics.ingest_data(with_an_easier_item(analytics.config, 1_500))
    yield analytics


def test_a_comparison_warns_when_items_work_differently(unequal: AnalyticsSystem) -> None:
    clean = [{"field": "is_careless", "operator": "eq", "value": False}]
    answer = unequal.compare_groups("gender", clean)
    assert answer.items is not None
    item = next(i for i in builtin_instruments()["ipip50"].items if i.trait == "extraversion")
    assert {(one.trait, one.items) for one in answer.items.large} == {
        ("extraversion", (item.code,))
    }
    assert all("male" in (one.reference, one.focal) for one in answer.items.large)
    assert any(f"{item.code} of ipip50 work differently" in text for text in answer.warnings)
    assert sum(answer.items.sheets["ipip50"].values()) > 500
    assert answer.to_dict()["items"]["large"][0]["instrument"] == "ipip50"
    # Between instruments there is nothing to compare.
    assert unequal.compare_groups("instrument").items is None
    # Where rows are gone nothing is read, and the comparison says so.
    unequal.refresh()
    for month in (1, 2, 3):
        unequal.seal_month(date(2024, month, 1))
    sealed = unequal.compare_groups("gender")
    assert sealed.items is not None
    assert sealed.items.since is None
    assert {one.reason for one in sealed.items.not_examined} == {
        "the rows of the newest responses are gone"
    }


def test_a_comparison_without_item_answers_says_so(analytics: AnalyticsSystem) -> None:
    data = dict(make_survey(analytics.config, 200))
    responses = data["responses"].to_pandas()
    data["scores"] = pd.DataFrame(
        {
            "response_hash": responses["id"],
            "dimension": "openness",
            "score": 50.0 + responses.index % 7,
        }
    )
    del data["question_responses"]
    analytics.ingest_data(data)
    items = analytics.compare_groups("gender").items
    assert items is not None
    assert (
        "no item answers are stored"
        in {o.instrument: o.reason for o in items.not_examined}["ipip50"]
    )


def test_only_about_as_many_of_the_newest_answers_as_needed_are_read(
    survey: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_examination, "ENOUGH_RESPONSES", 60)
    survey.refresh()
    items = survey.compare_groups("gender").items
    assert items is not None
    assert items.since is not None and items.since >= datetime(2024, 3, 1, tzinfo=UTC)
    assert 10 < sum(items.sheets["ipip50"].values()) < 80
