"""A metric period by period says what the rows say, and what may not be judged yet is marked."""

from datetime import date, timedelta
from typing import Any

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight.series import (
    MetricSeries,
    next_period,
    parse_interval,
    period_of,
    read_series,
)
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.records.filters import TimeRange, parse_filters
from ioc_analytics.records.metrics import METRICS
from ioc_analytics.states.rebuild import midnight
from ioc_analytics_tests.database.survey import make_survey

RANGE = {"start": "2024-01-01", "end": "2024-04-01"}
_OF_RESPONSES = {
    "response_volume": "count(*)",
    "completion_rate": "avg((r.status = 'completed')::integer)",
    "abandonment_rate": "avg((r.status = 'abandoned')::integer)",
    "avg_time_spent": "avg(r.time_spent_seconds) FILTER (WHERE r.status = 'completed')",
    "median_time_spent": """percentile_cont(0.5) WITHIN GROUP (ORDER BY r.time_spent_seconds)
        FILTER (WHERE r.status = 'completed')""",
    "careless_rate": "avg(r.is_careless::integer) FILTER (WHERE r.status = 'completed')",
    "openness": """avg((SELECT s.score FROM anonymized_assessment_scores AS s
        WHERE s.created_at = r.created_at AND s.response_hash = r.id
            AND s.dimension = 'openness'))""",
}


def _read(
    analytics: AnalyticsSystem,
    metric: str,
    interval: str,
    time_range: Any = None,
    filters: Any = (),
) -> MetricSeries:
    with analytics.database.connection("analyst") as connection:
        return read_series(
            connection,
            metric,
            parse_filters(filters),
            TimeRange.parse(time_range),
            interval,
            lambda identifier: analytics.pseudonym("organization", identifier),
            maturity_days=analytics.config.maturity_days,
        )


def _truth(analytics: AnalyticsSystem, figure: str, unit: str) -> dict[date, float]:
    with analytics.database.connection("analyst") as connection:
        rows = connection.execute(
            f"""SELECT date_trunc('{unit}', r.created_at AT TIME ZONE 'UTC')::date, {figure}
            FROM anonymized_assessment_responses AS r GROUP BY 1"""
        ).fetchall()
    return {period: float(value) for period, value in rows if value is not None}


def test_a_series_says_what_the_rows_say(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 300))
    analytics.refresh()
    for interval, unit in (("daily", "day"), ("weekly", "week"), ("monthly", "month")):
        for metric, figure in _OF_RESPONSES.items():
            series = _read(analytics, metric, interval)
            truth = _truth(analytics, figure, unit)
            found = {point.start: point.value for point in series.points}
            empty = 0.0 if METRICS[metric].kind == "count" else None
            assert found == {
                day: pytest.approx(truth[day], rel=1e-9) if day in truth else empty for day in found
            }, (metric, interval)
            assert set(truth) <= set(found)
            days = [point.start for point in series.points]
            assert days[1:] == [point.end for point in series.points][:-1]
    quarter = _read(analytics, "data_quality_score", "quarterly", RANGE)
    assert [point.start for point in quarter.points] == [date(2024, 1, 1)]
    assert quarter.points[0].value is not None
    assert 0 < quarter.points[0].value <= 100


def test_assessments_are_counted_when_they_were_set_up(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 5))
    series = _read(
        analytics, "assessment_volume", "daily", {"start": "2023-11-30", "end": "2023-12-03"}
    )
    assert [(point.value, point.sample_size) for point in series.points] == [
        (0.0, 0),
        (5.0, 5),
        (0.0, 0),
    ]
    one = _read(analytics, "assessment_volume", "monthly", None, {"org_hash": "acme"})
    assert [point.value for point in one.points] == [2.0]
    with pytest.raises(InvalidInput, match="device_type"):
        _read(analytics, "assessment_volume", "daily", None, {"device_type": "mobile"})
    with pytest.raises(NotEnoughData, match="0 cases"):
        _read(analytics, "assessment_volume", "daily", {"start": "2020-01-01", "end": "2020-02-01"})


def test_periods_that_are_cut_or_may_still_change_are_marked(analytics: AnalyticsSystem) -> None:
    today = utc_now().date()
    start = midnight(today - timedelta(days=29))
    analytics.ingest_data(make_survey(analytics.config, 120, days=30, start=start))
    series = _read(analytics, "response_volume", "daily")
    assert [point.start for point in series.points if not point.is_mature] == [
        point.start for point in series.points if point.end > today
    ]
    rates = _read(analytics, "completion_rate", "daily").points
    wait = timedelta(days=analytics.config.maturity_days)
    assert {point.is_mature for point in rates} == {True, False}
    assert all(point.is_mature == (point.end + wait <= today) for point in rates)
    cut = _read(
        analytics,
        "response_volume",
        "daily",
        {"start": start + timedelta(hours=30), "end": start + timedelta(hours=80)},
    )
    assert [point.is_mature for point in cut.points] == [False, True, False]
    # Nothing is known of the days after the newest batch.
    later = _read(analytics, "response_volume", "daily", {"start": start, "end": "2100-01-01"})
    assert later.points[-1].start == today


@pytest.mark.parametrize("interval", ["daily", "weekly", "monthly", "quarterly"])
def test_periods_follow_each_other(interval: str) -> None:
    by = parse_interval(interval)
    day = date(2023, 12, 31)
    for _ in range(800):
        start = period_of(day, by)
        assert start <= day < next_period(start, by)
        assert period_of(next_period(start, by), by) == next_period(start, by)
        day += timedelta(days=1)


def test_unknown_names_are_refused_with_the_nearest(analytics: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'completion_rate'"):
        _read(analytics, "completion_rat", "daily")
    with pytest.raises(InvalidInput, match="did you mean 'weekly'"):
        _read(analytics, "openness", "weekley")
    with pytest.raises(NotEnoughData):
        _read(analytics, "openness", "weekly")
