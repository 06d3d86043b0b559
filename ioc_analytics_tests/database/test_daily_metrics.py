"""Released daily metrics against the raw rows: late data, small cells, maturity."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.states.rebuild import midnight

START = datetime(2025, 3, 1, tzinfo=UTC)
DIMENSIONS = ("industry_category", "org_size_category", "region")
FIGURES = (
    "assessments_created", "responses_started", "responses_completed", "responses_abandoned",
    "completion_rate", "avg_time_spent_seconds", "median_time_spent_seconds", "organizations",
    "respondents", "mobile",
)  # fmt: skip
TRUTH = """
WITH r AS (
    SELECT r.*, a.industry_category AS industry, a.org_size_category AS size,
        CASE WHEN r.status = 'completed' THEN r.time_spent_seconds END AS seconds
    FROM analytics.anonymized_assessment_responses AS r
    JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
    WHERE r.created_at >= %(start)s AND r.created_at < %(start)s + interval '1 day'
        AND %(industry_category)s IN ('all', a.industry_category)
        AND %(org_size_category)s IN ('all', a.org_size_category)
        AND %(region)s IN ('all', r.region)
)
SELECT (
        SELECT count(*) FROM analytics.anonymized_assessments AS a
        WHERE a.created_at >= %(start)s AND a.created_at < %(start)s + interval '1 day'
            AND %(industry_category)s IN ('all', a.industry_category)
            AND %(org_size_category)s IN ('all', a.org_size_category)
            AND %(region)s IN ('all', a.region)
    ), count(*), count(*) FILTER (WHERE status = 'completed'),
    count(*) FILTER (WHERE status = 'abandoned'), avg((status = 'completed')::int)::float8,
    avg(seconds), percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
    count(DISTINCT org_hash), count(DISTINCT coalesce(respondent_hash, id)),
    count(*) FILTER (WHERE device_type = 'mobile')
FROM r
"""


def make_days(
    config: Any, people: int, *, seed: int = 1, start: datetime = START, name: str = "r"
) -> Mapping[str, Any]:
    """Return responses of three days to assessments that were set up on the first of them."""
    source = np.random.default_rng(seed)
    assessments = [
        {
            "assessment_id": f"a{at}",
            "organization_id": f"org{at // 2}",
            "industry": ["51", "52", "62"][at % 3],
            "employee_count": [20, 120, 120, 5000][at % 4],
            "country": "DE",
            "instrument": "ipip50",
            "created_at": start.isoformat(),
        }
        for at in range(8)
    ]
    responses = [
        {
            "response_id": f"{name}{number}",
            "assessment_id": f"a{source.integers(8)}",
            "respondent_id": f"p{source.integers(people)}" if source.random() < 0.9 else None,
            "country": ["DE", "US", None][int(source.integers(3))],
            "device_type": ["desktop", "mobile", None][int(source.integers(3))],
            "status": ["completed", "abandoned", "started"][
                int(source.choice(3, p=[0.7, 0.2, 0.1]))
            ],
            "time_spent_seconds": float(source.integers(200, 900)),
            "started_at": (start + timedelta(minutes=int(source.integers(3 * 1440)))).isoformat(),
        }
        for number in range(people)
    ]
    return AnonymizationPipeline(config).process_data(
        {"assessments": assessments, "responses": responses}
    )


def released(system: AnalyticsSystem) -> list[dict[str, Any]]:
    return system.query(
        "SELECT *, (device_breakdown ->> 'mobile')::bigint AS mobile FROM daily_assessment_metrics"
        " ORDER BY 1, 2, 3, 4",
        options={"use_cache": False, "max_rows": 100_000},
    ).data


def check_against_rows(system: AnalyticsSystem) -> int:
    """Compare every released cell with its rows; return how many show figures."""
    shown = 0
    with system.database.connection("analyst") as connection:
        for row in released(system):
            start = midnight(row["metric_date"])
            key = {name: row[name] for name in DIMENSIONS}
            truth = connection.execute(TRUTH, {"start": start, **key}).fetchone()
            assert truth is not None
            people = truth[FIGURES.index("respondents")]
            if people < 10:
                assert [row[name] for name in FIGURES] == [None] * len(FIGURES)
                assert row["device_breakdown"] is None
                assert row["withheld_reason"] == "fewer than 10 people"
            else:
                shown += 1
                assert row["withheld_reason"] is None
                assert [row[name] for name in FIGURES] == pytest.approx(list(truth)), key
                assert sum(row["device_breakdown"].values()) == row["responses_started"]
    return shown


def test_released_days_equal_their_rows_before_and_after_late_data(
    analytics: AnalyticsSystem,
) -> None:
    analytics.ingest_data(make_days(analytics.config, 300))
    analytics.refresh()
    before = released(analytics)
    assert check_against_rows(analytics) > 30
    assert any(row["withheld_reason"] for row in before)
    totals = [row for row in before if {row[name] for name in DIMENSIONS} == {"all"}]
    assert [row["metric_date"] for row in totals] == [date(2025, 3, day) for day in (1, 2, 3)]
    assert totals[0]["assessments_created"] == 8
    assert sum(row["responses_started"] for row in totals) == 300
    analytics.ingest_data(make_days(analytics.config, 40, seed=2, name="late"))
    assert released(analytics) == before
    analytics.refresh()
    assert check_against_rows(analytics) > 30
    assert released(analytics) != before
    late = released(analytics)
    analytics.rebuild()
    assert released(analytics) == late


def test_what_was_undone_is_not_released_any_more(analytics: AnalyticsSystem) -> None:
    receipt = analytics.ingest_data(make_days(analytics.config, 60))
    analytics.refresh()
    assert released(analytics)
    assert receipt.batch_id is not None
    analytics.undo_batch(receipt.batch_id)
    analytics.refresh()
    assert released(analytics) == []


def test_assessments_of_a_day_without_responses_are_counted_too(
    analytics: AnalyticsSystem,
) -> None:
    analytics.ingest_data(make_days(analytics.config, 60))
    analytics.refresh()
    later = make_days(analytics.config, 60, start=START + timedelta(days=40))
    analytics.ingest_data({"assessments": later["assessments"]})
    analytics.refresh()
    days = {row["metric_date"]: row for row in released(analytics)}
    assert date(2025, 4, 10) in days
    assert check_against_rows(analytics) > 0


def test_views_show_the_released_days(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_days(analytics.config, 300))
    analytics.refresh()
    days = analytics.query("SELECT * FROM mv_daily_assessment_overview ORDER BY 1").data
    weeks = analytics.query(
        "SELECT week_start, days, responses_started FROM mv_weekly_response_metrics"
        " WHERE industry_category = 'all' ORDER BY 1"
    ).data
    assert sum(day["responses_started"] for day in days) == 300
    # 1 and 2 March 2025 are a weekend.
    assert [week["days"] for week in weeks] == [2, 1]
    assert sum(week["responses_started"] for week in weeks) == 300


def test_days_mature_when_nobody_is_still_answering(analytics: AnalyticsSystem) -> None:
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    analytics.ingest_data(make_days(analytics.config, 90, start=today - timedelta(days=16)))
    analytics.refresh()
    rows = released(analytics)
    border = (today - timedelta(days=analytics.config.maturity_days)).date()
    assert {row["is_mature"] for row in rows} == {True, False}
    assert all(row["is_mature"] == (row["metric_date"] < border) for row in rows)
    sooner = AnalyticsSystem(analytics.config.replace(maturity_days=3))
    with sooner:
        # Nothing is touched; the days have only grown older.
        sooner.refresh()
    assert all(row["is_mature"] for row in released(analytics))


def test_what_was_released_of_a_sealed_month_stays(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_days(analytics.config, 300))
    analytics.refresh()
    before = released(analytics)
    rate = analytics.analyze_metric("completion_rate")
    analytics.seal_month(date(2025, 3, 1))
    analytics.ingest_data(make_days(analytics.config, 40, seed=2, name="late"))
    analytics.refresh()
    # Its rows are gone: counting the late ones alone would give a wrong day.
    assert released(analytics) == before
    later = analytics.analyze_metric("completion_rate")
    assert later.sample_size == rate.sample_size + 40
