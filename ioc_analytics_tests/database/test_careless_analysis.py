"""Careless rates, signs and means are those of the rows."""

import json

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData, PrivacyRefusal
from ioc_analytics_tests.database.survey import make_survey

SCORED = """FROM anonymized_assessment_responses AS r
    JOIN anonymized_assessments AS a ON a.id = r.assessment_hash
    JOIN anonymized_assessment_scores AS s
        ON s.created_at = r.created_at AND s.response_hash = r.id"""


@pytest.fixture
def survey(analytics: AnalyticsSystem) -> AnalyticsSystem:
    analytics.ingest_data(make_survey(analytics.config, 600))
    return analytics


def test_rates_and_means_equal_the_rows_before_and_after_refresh(survey: AnalyticsSystem) -> None:
    with survey.database.connection("analyst") as connection:
        counts = connection.execute(
            f"""SELECT a.instrument, count(DISTINCT r.id),
                count(DISTINCT r.id) FILTER (WHERE r.is_careless) {SCORED} GROUP BY 1""".encode()
        ).fetchall()
        means = connection.execute(
            f"""SELECT a.instrument, s.dimension::text, count(*), avg(s.score),
                count(*) FILTER (WHERE NOT r.is_careless),
                avg(s.score) FILTER (WHERE NOT r.is_careless), stddev_samp(s.score),
                stddev_samp(s.score) FILTER (WHERE NOT r.is_careless)
                {SCORED} GROUP BY 1, 2""".encode()
        ).fetchall()
    assert any(flagged for *_, flagged in counts)
    for _ in range(2):
        answer = survey.analyze_careless()
        rates = {r.segment: r for r in answer.rates if r.dimension == "instrument"}
        assert {(n, r.sample_size, r.flagged) for n, r in rates.items()} == set(counts)
        for rate in answer.rates:
            interval = rate.confidence_interval
            assert interval.low <= rate.rate <= interval.high
        found = {(t.instrument, t.trait): t for t in answer.traits}
        assert len(found) == len(means)
        for instrument, trait, n, mean, n_without, without, spread, spread_without in means:
            one = found[instrument, trait]
            assert (one.sample_size, one.sample_size_without) == (n, n_without)
            assert one.average == pytest.approx(mean, abs=1e-9)
            assert one.average_without == pytest.approx(without, abs=1e-9)
            assert one.std_dev == pytest.approx(spread, abs=1e-9)
            assert one.std_dev_without == pytest.approx(spread_without, abs=1e-9)
        survey.refresh()


def test_the_signs_see_the_sheets_that_give_one_answer_throughout(survey: AnalyticsSystem) -> None:
    answer = survey.analyze_careless()
    signs = {sign.name: sign for sign in answer.indices["ipip50"]}
    flagged = {r.segment: r.flagged for r in answer.rates}["ipip50"]
    assert {"longstring", "irv"} <= set(signs)
    # Missing answers end a run but not flatness: every long run found here is a flat sheet.
    assert signs["irv"].flagged > 0
    assert flagged <= signs["irv"].flagged + signs["longstring"].flagged
    assert signs["irv"].cut_off == "< 0.4"
    assert json.loads(json.dumps(answer.to_dict()))["indices"]["ipip50"]
    assert len(answer.to_frame()) == len(answer.rates)


def test_what_cannot_be_analysed_is_refused(survey: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="leave the filter on is_careless out"):
        survey.analyze_careless([{"field": "is_careless", "operator": "eq", "value": True}])
    with pytest.raises(NotEnoughData, match="0 scored responses"):
        survey.analyze_careless(time_range={"start": "2020-01-01", "end": "2020-04-01"})


def test_a_rate_for_each_segment_and_figures_without_the_flagged(survey: AnalyticsSystem) -> None:
    answer = survey.analyze_careless(by=["region", "device_type"])
    assert {rate.dimension for rate in answer.rates} == {"region", "device_type"}
    per_region = sum(rate.flagged for rate in answer.rates if rate.dimension == "region")
    whole = survey.analyze_careless().rates
    assert per_region == sum(r.flagged for r in whole if r.dimension == "instrument")
    kept = survey.get_ocean_analysis(
        [
            {"field": "is_careless", "operator": "eq", "value": False},
            {"field": "instrument", "operator": "eq", "value": "ipip50"},
        ]
    )
    pair = next(
        one
        for one in answer.correlations
        if (one.instrument, one.first, one.second) == ("ipip50", "openness", "extraversion")
    )
    assert pair.without == kept.correlations["openness"]["extraversion"]
    assert pair.with_flagged.sample_size > pair.without.sample_size
    alphas = {t.trait: t.alpha_without for t in answer.traits if t.instrument == "ipip50"}
    assert alphas["openness"] == pytest.approx(kept.reliability["ipip50"]["openness"].alpha)
    with pytest.raises(InvalidInput, match="'region'"):
        survey.analyze_careless(by=["regoin"])


def test_every_response_has_its_signs(survey: AnalyticsSystem) -> None:
    found = survey.flag_careless()
    frame = found.to_frame()
    rates = survey.analyze_careless().indices
    assert set(frame["instrument"]) == set(rates)
    for instrument, signs in rates.items():
        own = frame[frame["instrument"] == instrument]
        for sign in signs:
            values = own[sign.name].dropna()
            assert len(values) == sign.sample_size
            assert values.median() == pytest.approx(sign.median)
            assert own[f"{sign.name}_flag"].sum() == sign.flagged
            assert found.cut_offs[instrument][sign.name] == sign.cut_off
    flags = frame[[name for name in frame if str(name).endswith("_flag")]]
    assert (frame["signs"] == flags.fillna(False).sum(axis=1)).all()
    with survey.database.connection("analyst") as connection:
        rows = connection.execute(
            """SELECT r.id, r.is_careless, r.time_spent_seconds,
                array_agg(q.value)
            FROM analytics.anonymized_assessment_responses AS r
            JOIN analytics.anonymized_question_responses AS q
                ON q.created_at = r.created_at AND q.response_hash = r.id
            GROUP BY r.created_at, r.id"""
        ).fetchall()
    stored = frame.set_index("response_hash")
    assert {row[0] for row in rows} == set(stored.index)
    for response, is_careless, seconds, answers in rows:
        one = stored.loc[response]
        given = np.array(answers, dtype=float)
        assert one["is_careless"] == is_careless
        assert one["irv"] == pytest.approx(given.std(ddof=1))
        assert one["seconds_per_answer"] == pytest.approx(seconds / len(given))
        assert one["seconds_per_answer_flag"] == (seconds < len(given))


def test_flags_are_the_analysts_own(survey: AnalyticsSystem) -> None:
    with pytest.raises(NotEnoughData, match="0 responses with answers"):
        survey.flag_careless(time_range={"start": "2020-01-01", "end": "2020-04-01"})
    with (
        AnalyticsSystem(survey.config, role="reader") as reader,
        pytest.raises(PrivacyRefusal),
    ):
        reader.flag_careless()
