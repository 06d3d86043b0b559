"""Trends over real rows: a planted jump is found, short series say so, young days are left out."""

import json
from datetime import date, timedelta

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.states.rebuild import midnight
from ioc_analytics_tests.database.survey import START, make_survey

RANGE = {"start": "2024-01-01", "end": "2024-04-09"}


def test_a_planted_jump_is_found_and_steady_metrics_are_stable(analytics: AnalyticsSystem) -> None:
    later = START + timedelta(days=60)
    analytics.ingest_data(make_survey(analytics.config, 400, days=99))
    analytics.ingest_data(
        make_survey(analytics.config, 500, seed=2, days=39, start=later, name="more")
    )
    volume = analytics.analyze_trends("response_volume", RANGE, "daily")
    assert volume.trend == "increasing"
    assert volume.slope is not None
    assert volume.slope_interval is not None
    assert 0 < volume.slope_interval.low < volume.slope < volume.slope_interval.high
    assert abs((volume.change_points[0].start - later.date()).days) <= 2
    assert volume.change_points[0].after > 2 * volume.change_points[0].before
    assert (volume.sample_size, volume.immature, len(volume.points)) == (99, 0, 99)
    assert volume.seasonality is not None
    assert volume.seasonality.period == 7
    frame = volume.to_frame()
    assert frame["value"].sum() == 900
    assert list(frame["start"]) == [START.date() + timedelta(days=day) for day in range(99)]

    rate = analytics.analyze_trends("completion_rate", RANGE, "daily")
    assert rate.trend == "stable"
    assert rate.significance is not None
    assert rate.significance > 0.05
    told = json.loads(json.dumps(rate.to_dict()))
    assert told["trend"] == "stable"
    assert told["points"][0]["start"] == "2024-01-01"
    assert told["slope_interval"]["method"] == "theil_sen_pre_whitened"

    one = analytics.analyze_trends("openness", RANGE, "daily", {"industry": "Finance"})
    assert one.sample_size < sum(p.sample_size for p in one.points) < 900

    short = analytics.analyze_trends("response_volume", RANGE, "monthly")
    assert short.trend == "undetermined"
    assert (short.slope, short.significance, short.change_points) == (None, None, ())
    assert "24 values" in {entry["figure"]: entry["reason"] for entry in short.withheld}["trend"]
    assert sum(point.value or 0.0 for point in short.points) == 900


def test_days_whose_responses_can_still_be_completed_are_left_out(
    analytics: AnalyticsSystem,
) -> None:
    today = utc_now().date()
    start = midnight(today - timedelta(days=60))
    analytics.ingest_data(make_survey(analytics.config, 900, days=60, start=start))
    rate = analytics.analyze_trends("completion_rate", interval="daily")
    young = [point for point in rate.points if not point.is_mature]
    assert {point.start for point in young} == {
        point.start for point in rate.points if point.end > today - timedelta(days=14)
    }
    assert rate.immature == len(young) > 10
    assert rate.sample_size == len(rate.points) - len(young)
    assert "14 days" in rate.withheld[0]["reason"]
    with AnalyticsSystem(analytics.config.replace(maturity_days=3)) as sooner:
        hasty = sooner.analyze_trends("completion_rate", interval="daily")
    assert hasty.immature == rate.immature - 11
    assert "3 days" in hasty.withheld[0]["reason"]


def test_bad_questions_are_refused(analytics: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'response_volume'"):
        analytics.analyze_trends("response_volum", RANGE)
    with pytest.raises(InvalidInput, match="intervals are daily"):
        analytics.analyze_trends("response_volume", RANGE, "hourly")
    with pytest.raises(NotEnoughData, match="0 cases"):
        analytics.analyze_trends("response_volume", RANGE)
    analytics.ingest_data(make_survey(analytics.config, 30))
    with pytest.raises(InvalidInput, match="ask for longer periods"):
        analytics.analyze_trends("response_volume", {"start": date(2000, 1, 1)}, "daily")
