"""Forecasts over real rows: kept once in the ledger, honest about what is not known yet."""

import json
from datetime import date, timedelta

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData, PrivacyRefusal
from ioc_analytics.states.rebuild import midnight
from ioc_analytics_tests.database.survey import START, make_survey

LEDGER = """
    SELECT prediction_target, model_name, model_version, segment, target_period, prediction,
        interval_low, interval_high, interval_level, data_version, accuracy_metrics
    FROM predictive_analytics_results ORDER BY id
"""


def test_a_forecast_is_kept_once_for_each_version_of_the_data(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 500, days=60))
    found = analytics.forecast("response_volume", 7, "daily")
    assert [point.start for point in found.points] == [
        START.date() + timedelta(days=60 + day) for day in range(7)
    ]
    for point in found.points:
        assert 0 <= point.interval.low < point.value < point.interval.high
        assert point.value == pytest.approx(500 / 60, rel=0.5)
    assert found.accuracy.past is None
    assert found.accuracy.backtest.model == found.model
    assert found.accuracy.backtest.coverage is not None
    assert {result.model for result in found.race} == {"seasonal_naive", "ets", "arima"}
    assert found.sample_size == 60
    told = json.loads(json.dumps(found.to_dict()))
    assert told["points"][0]["interval"]["level"] == 0.9
    assert list(found.to_frame()["value"]) == [point.value for point in found.points]

    kept = analytics.query(LEDGER).data
    assert [row["prediction"] for row in kept] == [point.value for point in found.points]
    assert {
        (row["prediction_target"], row["model_name"], row["interval_level"]) for row in kept
    } == {("response_volume", found.model, 0.9)}
    assert kept[0]["accuracy_metrics"]["backtest"]["mean_absolute_error"] > 0
    analytics.forecast("response_volume", 7, "daily")
    assert len(analytics.query(LEDGER, (), {"use_cache": False}).data) == 7
    analytics.ingest_data(make_survey(analytics.config, 30, seed=2, days=60, name="more"))
    later = analytics.forecast("response_volume", 7, "daily")
    assert later.data_version != found.data_version
    assert len(analytics.query(LEDGER, (), {"use_cache": False}).data) == 14


def test_rates_are_possible_and_an_organizations_own_id_is_not_kept(
    analytics: AnalyticsSystem,
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 600, days=60))
    rate = analytics.forecast("completion_rate", 5, "daily", {"org_hash": "acme"})
    for point in rate.points:
        assert 0 <= point.interval.low < point.value < point.interval.high <= 1
    quality = analytics.forecast("data_quality_score", 5)
    assert all(50 < point.value < point.interval.high <= 100 for point in quality.points)
    assert quality.accuracy.backtest.mean_absolute_error is not None
    assert 1 < quality.accuracy.backtest.mean_absolute_error < 50, "in points, not as a share"
    segments = {json.dumps(row["segment"]) for row in analytics.query(LEDGER).data}
    own = str(analytics.pseudonym("organization", "acme"))
    assert any(own in segment for segment in segments)
    assert "acme" not in "".join(segments)


def test_days_that_can_still_change_are_bridged(analytics: AnalyticsSystem) -> None:
    today = utc_now().date()
    start = midnight(today - timedelta(days=60))
    analytics.ingest_data(make_survey(analytics.config, 1200, days=61, start=start))
    rate = analytics.forecast("completion_rate", 3)
    assert rate.bridged == 14
    assert rate.history[-1].end <= today - timedelta(days=14)
    assert [point.start for point in rate.points] == [today + timedelta(days=n) for n in range(3)]
    volume = analytics.forecast("response_volume", 3)
    assert volume.bridged == 0
    assert volume.points[0].start == today


def test_a_forecast_begins_where_the_data_end_not_when_they_came(
    analytics: AnalyticsSystem,
) -> None:
    today = utc_now().date()
    start = midnight(today - timedelta(days=90))
    analytics.ingest_data(make_survey(analytics.config, 1200, days=60, start=start))
    found = analytics.forecast("response_volume", 3)
    end = today - timedelta(days=30)
    assert [point.start for point in found.points] == [end + timedelta(days=n) for n in range(3)]
    assert (found.sample_size, found.bridged) == (60, 0)
    assert found.history[-1].value != 0


def test_nothing_is_learnt_from_sealed_days_that_lack_small_organizations(
    analytics: AnalyticsSystem,
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 600, days=240))
    analytics.refresh()
    before = analytics.forecast("response_volume", 3)
    assert (before.sample_size, before.withheld) == (240, ())
    earlier = analytics.forecast("response_volume", 1, "weekly", {"industry": "Finance"})
    analytics.seal_month(date(2024, 1, 1))
    found = analytics.forecast("response_volume", 3)
    assert found.sample_size == 240 - 31
    assert [point.start for point in found.points] == [point.start for point in before.points]
    (entry,) = found.withheld
    assert entry["figure"] == "response_volume before 2024-02-01"
    assert "sealed months" in entry["reason"]
    weeks = analytics.forecast("response_volume", 1, "weekly", {"industry": "Finance"})
    assert weeks.history[0].start == date(2024, 2, 5) > earlier.history[0].start
    risks = analytics.assess_risks()
    rate = next(risk for risk in risks.watched if risk.metric != "completion_rate")
    assert rate.baseline_weeks == 30 - 8
    assert f"{rate.metric} before 2024-02-01" in {one["figure"] for one in risks.withheld}
    with pytest.raises(NotEnoughData, match=r"found \d+.*sealed months"):
        analytics.forecast("response_volume", 200)


def test_what_cannot_be_forecast_is_refused(analytics: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'openness'"):
        analytics.forecast("opennes")
    with pytest.raises(InvalidInput, match="did you mean 'daily'"):
        analytics.forecast("openness", 3, "daly")
    for wrong in (0, -1, 2.5, "7", True, 3_651, 10**9):
        with pytest.raises(InvalidInput, match="whole number of periods"):
            analytics.forecast("openness", wrong)  # type: ignore[arg-type]
    with pytest.raises(NotEnoughData, match="0 cases"):
        analytics.forecast("openness")
    analytics.ingest_data(make_survey(analytics.config, 60, days=20))
    with pytest.raises(NotEnoughData, match="33 in all, found 20"):
        analytics.forecast("response_volume", 14)
    with (
        AnalyticsSystem(analytics.config, role="reader") as reader,
        pytest.raises(PrivacyRefusal),
    ):
        reader.forecast("response_volume")
    assert analytics.query(LEDGER).data == []
