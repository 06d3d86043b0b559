"""Sealed months answer as before when their rows are gone, and take late rows in beside them."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight.ocean import OceanAnalysis
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput
from ioc_analytics.states.sealing import seal_month
from ioc_analytics_tests.database.survey import Question, ask_rows, demand_equal, make_survey

JANUARY = date(2024, 1, 1)
MONTH = {"start": "2024-01-01", "end": "2024-02-01"}
TABLES = (
    "analytics.anonymized_assessment_scores",
    "analytics.anonymized_question_responses",
    "analytics.anonymized_assessment_responses",
    "internal.answer_vectors",
)


@pytest.fixture
def survey(analytics: AnalyticsSystem) -> AnalyticsSystem:
    """The system with 300 responses in January and February, refreshed."""
    analytics.ingest_data(make_survey(analytics.config, 300, days=60))
    analytics.refresh()
    return analytics


def _drop_rows(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("owner") as connection:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table} WHERE created_at < '2024-02-01'")


def _figures(answer: OceanAnalysis) -> Any:
    return (answer.traits, answer.correlations, answer.reliability, answer.by_instrument)


def _fetch(analytics: AnalyticsSystem, statement: str) -> list[tuple[Any, ...]]:
    with analytics.database.connection("owner") as connection:
        return connection.execute(statement).fetchall()


def _totals(analytics: AnalyticsSystem) -> list[tuple[Any, ...]]:
    return [
        *_fetch(
            analytics,
            "SELECT family, sum(responses) FROM internal.trait_states GROUP BY 1 ORDER BY 1",
        ),
        *_fetch(
            analytics,
            "SELECT family, sum(responses) FROM internal.item_states GROUP BY 1 ORDER BY 1",
        ),
        *_fetch(
            analytics,
            "SELECT family, sum(responses) FROM internal.time_states GROUP BY 1 ORDER BY 1",
        ),
        *_fetch(
            analytics,
            "SELECT family, sum(started), sum(completed), sum(abandoned), sum(trait_n[1]), "
            "round(sum(time_sum)) FROM internal.organization_states WHERE family = 'month' "
            "GROUP BY 1 ORDER BY 1",
        ),
    ]


def test_answers_stay_the_same_when_the_rows_are_gone(survey: AnalyticsSystem) -> None:
    asked: list[Any] = [None, MONTH, {"start": "2024-01-10", "end": "2024-02-03"}]
    before = [_figures(survey.get_ocean_analysis([], wanted)) for wanted in asked]
    totals = _totals(survey)
    responses = survey.seal_month(JANUARY)
    assert responses == survey.get_ocean_analysis([], MONTH).sample_size
    assert _totals(survey) == totals
    assert [_figures(survey.get_ocean_analysis([], wanted)) for wanted in asked] == before
    _drop_rows(survey)
    assert [_figures(survey.get_ocean_analysis([], wanted)) for wanted in asked] == before
    # Not even counting everything again changes what is sealed.
    survey.rebuild()
    assert [_figures(survey.get_ocean_analysis([], wanted)) for wanted in asked] == before


def test_small_cells_give_up_dimensions_and_answers_say_how_many(survey: AnalyticsSystem) -> None:
    everyone = [{"field": "region", "operator": "ne", "value": "Caribbean"}]
    exact = survey.get_ocean_analysis(everyone, MONTH)
    assert not [entry for entry in exact.withheld if entry["figure"] == "sample_size"]
    cells = "SELECT count(*) FROM internal.trait_states WHERE family = 'month_cell' "
    must_merge = _fetch(survey, cells + "AND period_start = '2024-01-01' AND responses < 12")
    assert must_merge[0][0] > 0
    survey.seal_month(JANUARY, 12)
    named = cells + "AND layer = 'sealed' AND responses < 12 AND region <> 'merged'"
    assert _fetch(survey, named) == [(0,)]
    # Nobody lives in the Caribbean: what is missing is all that gave its region up.
    sealed = survey.get_ocean_analysis(everyone, MONTH)
    left_out = exact.sample_size - sealed.sample_size
    assert left_out > 0
    (undecided,) = [entry for entry in sealed.withheld if entry["figure"] == "sample_size"]
    assert undecided["reason"].startswith(f"{left_out} responses")


def test_late_rows_are_added_and_sealing_again_takes_them_in(survey: AnalyticsSystem) -> None:
    survey.seal_month(JANUARY)
    sealed = survey.get_ocean_analysis([], MONTH)
    late = make_survey(survey.config, 40, seed=8, days=31, name="late")
    assert survey.ingest_data(late).quarantined == 0
    truth = survey.get_ocean_analysis([], MONTH)
    demand_equal(truth, ask_rows(survey, Question(time_range=MONTH)))
    _drop_old_rows_only(survey)
    before_refresh = survey.get_ocean_analysis([], MONTH)
    survey.refresh()
    after_refresh = survey.get_ocean_analysis([], MONTH)
    assert _figures(truth) == _figures(before_refresh) == _figures(after_refresh)
    assert after_refresh.sample_size > sealed.sample_size
    totals = _totals(survey)
    survey.seal_month(JANUARY)
    assert _totals(survey) == totals
    for table in ("trait_states", "item_states", "organization_states", "time_states"):
        left = _fetch(
            survey,
            f"SELECT count(*) FROM internal.{table} WHERE layer = 'live' "
            "AND period_start < '2024-02-01'",
        )
        assert left == [(0,)], table
    _drop_rows(survey)
    assert _figures(survey.get_ocean_analysis([], MONTH)) == _figures(truth)


def _drop_old_rows_only(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("owner") as connection:
        for table in TABLES[2:3]:
            connection.execute(
                f"DELETE FROM {table} WHERE created_at < '2024-02-01' AND batch_id = 1"
            )


def test_a_filtered_answer_is_the_same_before_and_after_late_rows_are_counted(
    survey: AnalyticsSystem,
) -> None:
    survey.seal_month(JANUARY)
    survey.ingest_data(make_survey(survey.config, 20, seed=8, days=1, name="late"))
    filters = [{"field": "industry_category", "operator": "eq", "value": "Technology"}]
    before = survey.get_ocean_analysis(filters, MONTH)
    survey.refresh()
    after = survey.get_ocean_analysis(filters, MONTH)
    assert before.traits == after.traits
    assert before.withheld == after.withheld


def test_a_tampered_state_is_not_sealed(survey: AnalyticsSystem) -> None:
    with survey.database.connection("owner") as connection:
        connection.execute(
            "UPDATE internal.trait_states SET responses = responses + 1 WHERE family = 'day_all' "
            "AND period_start = '2024-01-05'"
        )
    with pytest.raises(IntegrityFailure, match="differ from a recount"):
        survey.seal_month(JANUARY)
    assert _fetch(survey, "SELECT count(*) FROM internal.sealed_months") == [(0,)]
    survey.rebuild([JANUARY])
    assert survey.seal_month(JANUARY) > 0


def test_a_month_with_touched_days_is_not_sealed(survey: AnalyticsSystem) -> None:
    survey.ingest_data(make_survey(survey.config, 5, seed=8, days=31, name="late"))
    with pytest.raises(InvalidInput, match="touched days"):
        survey.seal_month(JANUARY)


def test_corrections_of_sealed_responses_are_put_aside(survey: AnalyticsSystem) -> None:
    survey.seal_month(JANUARY)
    _drop_rows(survey)
    before = survey.get_ocean_analysis([], MONTH)
    corrected = dict(make_survey(survey.config, 300, days=60))
    table = corrected["responses"].to_pandas()
    table["updated_at"] = table["created_at"] + pd.Timedelta(days=300)
    table["gender"] = "other"
    corrected["responses"] = table
    receipt = survey.ingest_data(corrected)
    assert receipt.quarantine.get("period_sealed", 0) > 0
    assert _figures(survey.get_ocean_analysis([], MONTH)) == _figures(before)


def test_undo_of_a_sealed_batch_is_refused(survey: AnalyticsSystem) -> None:
    survey.seal_month(JANUARY)
    with pytest.raises(InvalidInput, match="sealed"):
        survey.undo_batch(1)


def test_what_only_rows_could_answer_is_refused_for_sealed_months(survey: AnalyticsSystem) -> None:
    survey.seal_month(JANUARY)
    with pytest.raises(InvalidInput, match="cuts 2024-01-10"):
        survey.get_ocean_analysis([], {"start": "2024-01-10T08:00:00Z", "end": "2024-02-01"})
    mixed = [
        {"field": "industry_category", "operator": "eq", "value": "Finance"},
        {"field": "gender", "operator": "eq", "value": "female"},
    ]
    with pytest.raises(InvalidInput, match="ask for a range after that, or filter by"):
        survey.get_ocean_analysis(mixed)
    with pytest.raises(InvalidInput, match="org_hash"):
        survey.get_ocean_analysis([{"field": "org_hash", "operator": "eq", "value": "acme"}])
    february = {"start": "2024-02-01", "end": "2024-03-01"}
    assert survey.get_ocean_analysis(mixed, february).sample_size > 0


def test_batches_after_the_last_one_to_seal_stay_live(survey: AnalyticsSystem) -> None:
    late = make_survey(survey.config, 40, seed=8, days=31, name="late")
    newer = survey.ingest_data(late).batch_id
    assert newer is not None
    survey.refresh()
    before = _figures(survey.get_ocean_analysis([], MONTH))
    totals = _totals(survey)
    with survey.database.connection("ingest") as connection:
        sealed = seal_month(connection, JANUARY, last_batch=newer - 1)
    assert 0 < sealed < survey.get_ocean_analysis([], MONTH).sample_size
    assert _totals(survey) == totals
    _drop_old_rows_only(survey)
    assert _figures(survey.get_ocean_analysis([], MONTH)) == before
    survey.rebuild()
    assert _figures(survey.get_ocean_analysis([], MONTH)) == before
    # What stayed live can still be taken out one by one.
    survey.undo_batch(newer)
    assert survey.get_ocean_analysis([], MONTH).sample_size == sealed
