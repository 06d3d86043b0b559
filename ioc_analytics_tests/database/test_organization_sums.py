"""Organization sums and times say what the rows say, refreshed or not, however asked for."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.filters import TimeRange, parse_filters
from ioc_analytics.states.organizations import (
    OrganizationSums,
    read_organization_series,
    read_organizations,
    read_time_series,
    read_times,
)
from ioc_analytics.states.reading import read_ground, snapshot
from ioc_analytics.states.selection import select
from ioc_analytics_tests.database.survey import make_survey

NOTHING: dict[str, Any] = {}
QUESTIONS: Sequence[tuple[Any, Any, str]] = (
    (NOTHING, None, "true"),
    (NOTHING, {"start": "2024-01-01", "end": "2024-04-01"}, "true"),
    (NOTHING, {"start": "2024-01-10", "end": "2024-03-05T07:00:00Z"}, "true"),
    (NOTHING, {"start": "2024-02-05T03:00:00Z", "end": "2024-02-05T19:00:00Z"}, "true"),
    ({"industry": "Finance"}, None, "a.industry_category = 'Finance'"),
    ({"size": ["Medium", "unknown"]}, None, "a.org_size_category IN ('Medium', 'unknown')"),
    ({"is_careless": False}, None, "NOT r.is_careless"),
    ({"instrument": "tipi"}, None, "a.instrument = 'tipi'"),
    ({"device_type": "mobile"}, None, "r.device_type = 'mobile'"),
    ({"region": "Western Europe", "gender": "male"}, None,
     "r.region = 'Western Europe' AND r.gender = 'male'"),
)  # fmt: skip

COLUMNS = """count(*), count(*) FILTER (WHERE r.status = 'completed'),
    count(*) FILTER (WHERE r.status = 'abandoned'),
    count(*) FILTER (WHERE r.status = 'completed' AND r.is_careless),
    count(r.time_spent_seconds) FILTER (WHERE r.status = 'completed'),
    coalesce(sum(r.time_spent_seconds) FILTER (WHERE r.status = 'completed'), 0),
    sum(v.validated)::bigint, sum(v.agreed)::bigint, sum(s.n)::bigint, coalesce(sum(s.points), 0),
    count(*) FILTER (WHERE r.status = 'completed' AND s.n = 5 AND r.time_spent_seconds IS NOT NULL)
    """
SCOPE = """FROM anonymized_assessment_responses AS r
    JOIN anonymized_assessments AS a ON a.id = r.assessment_hash
    CROSS JOIN LATERAL (SELECT count(*) AS n, sum(p.score - 50) AS points
        FROM anonymized_assessment_scores AS p
        WHERE p.created_at = r.created_at AND p.response_hash = r.id) AS s
    CROSS JOIN LATERAL (SELECT count(*) AS validated,
            count(*) FILTER (WHERE abs(p.primary_score - p.secondary_score) <= 10) AS agreed
        FROM internal.ai_validations AS p
        WHERE p.created_at = r.created_at AND p.response_hash = r.id) AS v"""


def _figures(sums: OrganizationSums, at: int) -> tuple[Any, ...]:
    return (
        sums.started[at], sums.completed[at], sums.abandoned[at], sums.careless[at],
        sums.timed[at], sums.time_sum[at], sums.validated[at], sums.agreed[at],
        sums.trait_n[at].sum(), pytest.approx(sums.trait_sum[at].sum(), abs=1e-6), sums.whole[at],
    )  # fmt: skip


def _demand_everything_equal(analytics: AnalyticsSystem) -> None:
    compared = 0
    for filters, wanted, condition in QUESTIONS:
        time_range = TimeRange.parse(wanted)
        limits = f"""({condition}) AND r.created_at >= '{time_range.start or "-infinity"}'
            AND r.created_at < '{time_range.end or "infinity"}'"""
        with analytics.database.connection("analyst") as connection, snapshot(connection):
            ground = read_ground(connection, time_range)
            selection = select(parse_filters(filters), ground.catalogue.categories, _no_id)
            sums = read_organizations(connection, selection, ground)
            truth = connection.execute(
                f"""SELECT a.org_hash, a.industry_category, a.org_size_category, {COLUMNS} {SCOPE}
                WHERE {limits} GROUP BY 1, 2, 3"""
            ).fetchall()
            keys = list(zip(sums.organizations, sums.industries, sums.sizes, strict=True))
            found = {key: _figures(sums, at) for at, key in enumerate(keys)}
            assert {row[:3]: row[3:] for row in truth} == found, condition
            for by in ("day", "week", "month", "quarter"):
                series = read_organization_series(connection, selection, ground, by)
                truth = connection.execute(
                    f"""SELECT date_trunc('{by}', r.created_at, 'UTC')::date, {COLUMNS} {SCOPE}
                    WHERE {limits} GROUP BY 1 ORDER BY 1"""
                ).fetchall()
                assert [row[0] for row in truth] == series.periods.tolist()
                for at, row in enumerate(truth):
                    assert row[1:] == _figures(series, at), (condition, by)
                    compared += 1
                split = read_organization_series(
                    connection, selection, ground, by, by_organization=True
                )
                assert split.started.sum() == series.started.sum()
            values, counts = read_times(connection, selection, ground)
            truth = connection.execute(
                f"""SELECT r.time_spent_seconds, count(*) {SCOPE} WHERE {limits}
                AND r.status = 'completed' AND r.time_spent_seconds IS NOT NULL
                GROUP BY 1 ORDER BY 1"""
            ).fetchall()
            assert list(zip(values.tolist(), counts.tolist(), strict=True)) == truth
            weeks = read_time_series(connection, selection, ground, "week")
            assert sum(int(n.sum()) for _, n in weeks.values()) == counts.sum()
    assert compared > 300


def _no_id(_: str) -> Any:
    raise AssertionError("no filter names an organization")


def test_organization_sums_say_what_the_rows_say(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 250))
    _demand_everything_equal(analytics)
    analytics.refresh()
    _demand_everything_equal(analytics)
    analytics.ingest_data(make_survey(analytics.config, 10, seed=4, days=40, name="late"))
    _demand_everything_equal(analytics)


def test_one_organization_alone_and_all_others(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 120))
    analytics.refresh()
    with analytics.database.connection("analyst") as connection, snapshot(connection):
        ground = read_ground(connection, TimeRange(None, None))
        names = ground.catalogue.categories
        everyone = read_organizations(connection, select((), names, _no_id), ground)
        one = everyone.organizations[0]
        found = [
            read_organizations(
                connection,
                select(parse_filters([{"field": "org_hash", "operator": op, "value": one}]),
                       names, _no_id),
                ground,
            )
            for op in ("eq", "ne")
        ]  # fmt: skip
    assert set(found[0].organizations) == {one}
    assert one not in found[1].organizations
    assert all(part.source.family == "organizations" for part in found)
    assert np.sum([part.started.sum() for part in found]) == everyone.started.sum()


def test_sealed_sums_answer_by_month_and_say_what_they_cannot_tell(
    analytics: AnalyticsSystem,
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 150, days=60))
    analytics.refresh()
    wanted = TimeRange.parse({"start": "2024-01-01", "end": "2024-02-01"})

    def ask(by: Any, filters: Any = NOTHING) -> OrganizationSums:
        with analytics.database.connection("analyst") as connection, snapshot(connection):
            ground = read_ground(connection, wanted)
            selection = select(parse_filters(filters), ground.catalogue.categories, _no_id)
            return read_organization_series(connection, selection, ground, by)

    before = ask("month")
    analytics.seal_month(date(2024, 1, 1), 25)
    after = ask("month")
    assert _figures(after, 0) == _figures(before, 0)
    assert after.undecided == 0
    days = ask("day")
    assert days.undecided == before.started.sum() - days.started.sum() > 0
    finance = ask("month", {"industry": "Finance"})
    assert finance.undecided > 0
    with pytest.raises(InvalidInput, match="are gone"):
        ask("month", {"device_type": "mobile"})


def test_day_totals_of_sealed_months_follow_their_organizations(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 400, days=4))
    analytics.refresh()
    analytics.seal_month(date(2024, 1, 1))

    def days(*, by_organization: bool) -> OrganizationSums:
        with analytics.database.connection("analyst") as connection, snapshot(connection):
            ground = read_ground(connection, TimeRange(None, None))
            selection = select((), ground.catalogue.categories, _no_id)
            return read_organization_series(
                connection, selection, ground, "day", by_organization=by_organization
            )

    split, total = days(by_organization=True), days(by_organization=False)
    assert len(split) > len(total) == 4
    assert total.started.sum() == split.started.sum() > 0
    gone = split.organizations[0]
    with analytics.database.connection("owner") as connection:
        for table in ("assessment_scores", "question_responses", "assessment_responses"):
            connection.execute(f"TRUNCATE analytics.anonymized_{table} CASCADE")
        connection.execute("SELECT internal.erase_rows('organization', %s)", [gone])
    split, total = days(by_organization=True), days(by_organization=False)
    assert gone not in split.organizations
    for at, day in enumerate(total.periods):
        places = split.periods == day
        assert total.completed[at] == split.completed[places].sum()
        assert np.array_equal(total.trait_sum[at], split.trait_sum[places].sum(axis=0))
