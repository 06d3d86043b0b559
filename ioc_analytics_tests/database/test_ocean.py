"""The OCEAN analysis says what raw rows say: from states, from rows, and from both."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight import ocean
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.states import reading
from ioc_analytics_tests.database.survey import (
    ASSESSMENTS,
    Question,
    ask_rows,
    demand_equal,
    make_survey,
)

FEBRUARY = {"start": "2024-02-01", "end": "2024-03-01"}


def _filter(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


QUESTIONS = [
    Question(),
    Question(time_range=FEBRUARY),
    Question(time_range={"start": "2024-01-10", "end": "2024-03-05"}),
    Question(time_range={"start": "2024-01-10T09:30:00Z", "end": "2024-03-05T17:45:00Z"}),
    Question(time_range={"start": "2024-02-10T03:00:00Z", "end": "2024-02-10T21:00:00Z"}),
    Question(
        [_filter("industry_category", "eq", "Technology")],
        None,
        "a.industry_category = 'Technology'",
    ),
    Question(
        [_filter("industry_category", "ne", "Technology")],
        FEBRUARY,
        "a.industry_category <> 'Technology'",
    ),
    Question(
        [_filter("industry_category", "not_in", ["Technology", "Finance"])],
        None,
        "a.industry_category NOT IN ('Technology', 'Finance')",
    ),
    Question(
        [_filter("org_size_category", "eq", "unknown")], None, "a.org_size_category = 'unknown'"
    ),
    Question([_filter("region", "in", ["Western Europe", "unknown"])], None,
             "r.region IN ('Western Europe', 'unknown')"),
    Question([_filter("age_band", "eq", "18_24")], None, "r.age_band = '18_24'"),
    Question([_filter("gender", "ne", "male")], None, "r.gender <> 'male'"),
    Question([_filter("device_type", "eq", "mobile")], None, "r.device_type = 'mobile'"),
    Question([_filter("assessment_type", "eq", "team")], None, "a.assessment_type = 'team'"),
    Question([_filter("instrument", "eq", "ipip50")], None, "a.instrument = 'ipip50'"),
    Question([_filter("is_careless", "eq", False)], None, "NOT r.is_careless"),
    Question([_filter("is_careless", "ne", False)], None, "r.is_careless"),
    Question(
        [
            _filter("industry_category", "eq", "Technology"),
            _filter("org_size_category", "eq", "Medium"),
        ],
        {"start": "2024-01-10", "end": "2024-03-05"},
        "a.industry_category = 'Technology' AND a.org_size_category = 'Medium'",
    ),
    Question(
        [_filter("industry_category", "eq", "Finance"), _filter("gender", "eq", "female")],
        None,
        "a.industry_category = 'Finance' AND r.gender = 'female'",
    ),
]  # fmt: skip


@pytest.fixture
def survey(analytics: AnalyticsSystem) -> Iterator[AnalyticsSystem]:
    """The system with 400 responses over three months, not refreshed yet."""
    analytics.ingest_data(make_survey(analytics.config, 400))
    yield analytics


def _demand_all_equal(analytics: AnalyticsSystem) -> None:
    for question in QUESTIONS:
        answer = analytics.get_ocean_analysis(question.filters, question.time_range)
        demand_equal(answer, ask_rows(analytics, question))


def test_every_answer_equals_the_rows_before_and_after_refresh_and_in_between(
    survey: AnalyticsSystem,
) -> None:
    _demand_all_equal(survey)
    survey.refresh()
    assert not survey.get_system_status().touched_days
    _demand_all_equal(survey)
    late = make_survey(survey.config, 3, seed=5, days=1, name="late")
    survey.ingest_data(late)
    assert survey.get_system_status().touched_days == (date(2024, 1, 1),)
    _demand_all_equal(survey)
    survey.refresh()
    _demand_all_equal(survey)


def test_organizations_are_asked_for_by_pseudonym_or_by_own_id(survey: AnalyticsSystem) -> None:
    survey.refresh()
    pseudonym = survey.pseudonym("organization", "acme")
    truth = ask_rows(survey, Question(condition=f"r.org_hash = '{pseudonym}'"))
    for value in ("acme", pseudonym, str(pseudonym)):
        answer = survey.get_ocean_analysis([_filter("org_hash", "eq", value)])
        demand_equal(answer, truth)
        assert answer.source.family is None
    others = survey.get_ocean_analysis([_filter("org_hash", "ne", "acme")])
    demand_equal(others, ask_rows(survey, Question(condition=f"r.org_hash <> '{pseudonym}'")))
    with pytest.raises(NotEnoughData):
        survey.get_ocean_analysis([_filter("org_hash", "eq", UUID(int=7))])


def test_filters_that_contradict_each_other_find_nobody(survey: AnalyticsSystem) -> None:
    for filters in (
        [_filter("is_careless", "eq", True), _filter("is_careless", "eq", False)],
        [_filter("gender", "eq", "male"), _filter("gender", "ne", "male")],
        [_filter("org_hash", "eq", "acme"), _filter("org_hash", "eq", "bolt")],
    ):
        for _ in range(2):
            with pytest.raises(NotEnoughData, match="0 scored responses"):
                survey.get_ocean_analysis(filters)
            survey.refresh()


def test_what_cannot_be_asked_is_refused_with_the_nearest_word(survey: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'Technology'"):
        survey.get_ocean_analysis([_filter("industry_category", "eq", "Tecnology")])
    with pytest.raises(InvalidInput, match="ends before it starts"):
        survey.get_ocean_analysis([], {"start": "2024-03-01", "end": "2024-02-01"})
    with pytest.raises(InvalidInput, match="is empty"):
        survey.get_ocean_analysis([], {"start": "2024-03-01", "end": "2024-03-01"})
    with pytest.raises(NotEnoughData, match="0 scored"):
        survey.get_ocean_analysis([], {"start": "2031-01-01", "end": "2032-01-01"})


def test_an_empty_database_has_not_enough_data(analytics: AnalyticsSystem) -> None:
    with pytest.raises(NotEnoughData):
        analytics.get_ocean_analysis()
    assert analytics.refresh().days == ()


def test_undone_and_corrected_rows_leave_right_answers(survey: AnalyticsSystem) -> None:
    survey.refresh()
    extra = survey.ingest_data(make_survey(survey.config, 60, seed=9, name="extra"))
    survey.refresh()
    _demand_all_equal(survey)
    assert extra.batch_id is not None
    survey.undo_batch(extra.batch_id)
    _demand_all_equal(survey)
    survey.refresh()
    _demand_all_equal(survey)
    assert survey.get_ocean_analysis().sample_size <= 400


def test_a_batch_that_commits_in_the_middle_of_an_answer_is_not_in_it(
    survey: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey.refresh()
    truth = ask_rows(survey, Question())
    late = make_survey(survey.config, 50, seed=4, name="meanwhile")
    read = reading.read_traits

    def read_after_another_batch(*arguments: Any) -> Any:
        writer = threading.Thread(target=lambda: (survey.ingest_data(late), survey.refresh()))
        writer.start()
        writer.join()
        return read(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ocean, "read_traits", read_after_another_batch)
        demand_equal(survey.get_ocean_analysis(), truth)
    answer = survey.get_ocean_analysis()
    demand_equal(answer, ask_rows(survey, Question()))
    assert answer.sample_size > truth["people"]


def test_reliability_from_item_states_equals_that_of_the_rows(survey: AnalyticsSystem) -> None:
    before = survey.get_ocean_analysis()
    survey.refresh()
    after = survey.get_ocean_analysis()
    assert set(after.reliability) == {row[-1] for row in ASSESSMENTS}
    assert after.reliability == before.reliability
    filtered = [_filter("gender", "eq", "female")]
    withheld = survey.get_ocean_analysis(filtered)
    assert withheld.reliability == {}
    assert any(entry["figure"] == "reliability" for entry in withheld.withheld)
    assert survey.get_ocean_analysis(filtered, reliability_from_rows=True).reliability


def test_answers_are_ready_for_json_and_frames(survey: AnalyticsSystem) -> None:
    answer = survey.get_ocean_analysis()
    assert answer.to_dict()["sample_size"] == answer.sample_size
    assert list(answer.to_frame()["trait"]) == [trait.name for trait in answer.traits]
