"""Benchmarks of planted organizations: who is compared with whom, and what is said of it."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight.benchmark_records import Benchmarks
from ioc_analytics.insight.maturity import read_settled
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput, NotEnoughData
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.organizations import read_organizations
from ioc_analytics.states.reading import read_ground
from ioc_analytics.states.selection import Selection
from ioc_analytics_tests.database.survey import make_survey

START = datetime(2025, 3, 1, tzinfo=UTC)
PEOPLE = 60


def make_organizations(
    config: Any,
    *,
    number: int = 12,
    order: int = 0,
    start: datetime = START,
    name: str = "r",
) -> Mapping[str, Any]:
    """Return organizations of one sector, the first of which hardly anyone completes."""
    source = np.random.default_rng(5)
    assessments, responses, scores = [], [], []
    for at in range(number):
        assessments.append(
            {
                "assessment_id": f"a{at}",
                "organization_id": f"org{at}",
                "industry": "51",
                "employee_count": 20 if at < 3 else 120,
                "instrument": "ipip50",
                "created_at": "2025-02-01",
            }
        )
        for person in range(PEOPLE):
            key = f"{name}{at}-{person}"
            is_completed = source.random() < (0.3 if at == 0 else 0.85)
            responses.append(
                {
                    "response_id": key,
                    "assessment_id": f"a{at}",
                    "status": "completed" if is_completed else "abandoned",
                    "time_spent_seconds": float(source.integers(200, 900)),
                    "started_at": (start + timedelta(minutes=37 * person)).isoformat(),
                }
            )
            scores += [
                {"response_id": key, "dimension": trait, "score": float(source.integers(20, 80))}
                for trait in TRAITS
                if is_completed
            ]
    mixed = np.random.default_rng(order)
    tables: dict[str, list[Any]] = {
        "assessments": assessments,
        "responses": responses,
        "scores": scores,
    }
    if order:
        tables = {
            kind: [rows[row] for row in mixed.permutation(len(rows))]
            for kind, rows in tables.items()
        }
    return AnonymizationPipeline(config).process_data(tables)


def figures(answer: Benchmarks) -> dict[str, Any]:
    """Return an answer without the moment of its batch."""
    return {name: value for name, value in answer.to_dict().items() if name != "as_of"}


@pytest.fixture
def organizations(analytics: AnalyticsSystem) -> AnalyticsSystem:
    analytics.ingest_data(make_organizations(analytics.config))
    return analytics


def test_an_organization_that_stands_out_is_found(organizations: AnalyticsSystem) -> None:
    answer = organizations.get_benchmarks("org0")
    completion = answer.shown["completion_rate"]
    assert completion.sample_size == PEOPLE
    assert completion.peer_organizations == 11
    # Only two other small ones: the group widens to the sector.
    assert completion.peer_level == "industry"
    assert completion.value < completion.funnel.limits.low
    assert completion.percentile_rank is not None
    assert completion.percentile_rank < 5
    assert completion.interval is not None
    assert completion.interval.low <= completion.percentile_rank <= completion.interval.high
    assert {insight.metric for insight in answer.competitive_insights} >= {"completion_rate"}
    best = answer.recommendations[0]
    assert best.priority == "high"
    assert best.evidence["n"] == PEOPLE
    assert not any(r.evidence["metric"] in TRAITS for r in answer.recommendations)
    index = answer.performance_index
    assert index is not None
    assert index.interval.low <= index.value <= index.interval.high
    assert not set(index.metrics) & set(TRAITS)
    assert 0 <= index <= 100
    assert float(index) == index.value
    unknown = answer.benchmarks["ai_agreement_rate"]
    assert unknown.value is None
    assert unknown.funnel is None
    table = answer.to_frame().set_index("metric")
    assert table["low"]["completion_rate"] == completion.interval.low
    assert table["high"]["completion_rate"] == completion.interval.high
    assert "ai_agreement_rate" not in table.dropna(subset=["value"]).index
    assert {w["figure"] for w in answer.withheld} == {"benchmarks.ai_agreement_rate"}
    assert json.loads(json.dumps(answer.to_dict()))["org_hash"] == str(answer.org_hash)


def test_an_ordinary_organization_is_left_alone(organizations: AnalyticsSystem) -> None:
    answer = organizations.get_benchmarks("org5")
    assert answer.recommendations == ()
    assert answer.shown["completion_rate"].peer_level == "industry_size"
    assert answer.shown["completion_rate"].peer_organizations == 8
    pseudonym = organizations.pseudonym("organization", "org5")
    assert organizations.get_benchmarks(pseudonym) == answer
    assert organizations.query_interface.get_performance_benchmarks("org5") == answer
    asked = organizations.query_counters.figures().requests
    march = {"start": "2025-03-01", "end": "2025-04-01"}
    told = organizations.query_interface.get_performance_benchmarks("org5", time_range=march)
    assert told.time_range.to_dict()["start"].startswith("2025-03-01")
    assert organizations.query_counters.figures().requests == asked + 1


def add_beginner(analytics: AnalyticsSystem) -> None:
    """Let an organization begin yesterday: 20 responses, two of which have been completed."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assessment = {
        "assessment_id": "new",
        "organization_id": "beginner",
        "industry": "51",
        "employee_count": 120,
        "instrument": "ipip50",
        "created_at": yesterday,
    }
    responses = [
        {
            "response_id": f"new-{at}",
            "assessment_id": "new",
            "status": "completed" if at < 2 else "started",
            "time_spent_seconds": 300.0,
            "started_at": yesterday,
        }
        for at in range(20)
    ]
    pipeline = AnonymizationPipeline(analytics.config)
    analytics.ingest_data(
        pipeline.process_data({"assessments": [assessment], "responses": responses})
    )


def test_who_began_yesterday_is_not_told_to_act(organizations: AnalyticsSystem) -> None:
    add_beginner(organizations)
    answer = organizations.get_benchmarks("beginner")
    assert "completion_rate" not in answer.shown
    assert answer.recommendations == ()
    assert answer.competitive_insights == ()
    reasons = {entry["figure"]: entry["reason"] for entry in answer.withheld}
    assert "20 responses younger than 14 days" in reasons["benchmarks.completion_rate"]

    # Its peers, and everybody's rate, leave the same responses out, and say so.
    own = {"org_hash": "beginner"}
    with pytest.raises(NotEnoughData, match="20 responses younger than 14 days"):
        organizations.analyze_metric("completion_rate", own)
    assert organizations.analyze_metric("response_volume", own).value == 20
    everybody = organizations.analyze_metric("abandonment_rate")
    assert (everybody.sample_size, everybody.immature) == (12 * PEOPLE, 20)
    assert any("left out" in entry["reason"] for entry in everybody.withheld)
    mine = organizations.analyze_metric("abandonment_rate", {"device_type": "unknown"})
    assert (mine.value, mine.immature) == (everybody.value, 20)


def test_an_old_organization_is_judged_by_its_settled_responses(
    organizations: AnalyticsSystem,
) -> None:
    before = organizations.get_benchmarks("org5").benchmarks["completion_rate"]
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    organizations.ingest_data(
        AnonymizationPipeline(organizations.config).process_data(
            {
                "responses": [
                    {
                        "response_id": f"young-{at}",
                        "assessment_id": "a5",
                        "status": "started",
                        "started_at": yesterday,
                    }
                    for at in range(30)
                ]
            }
        )
    )
    answer = organizations.get_benchmarks("org5")
    after = answer.shown["completion_rate"]
    assert (after.value, after.sample_size, after.immature) == (before.value, PEOPLE, 30)
    figures = {entry["figure"] for entry in answer.withheld}
    assert {"completion_rate.sample_size", "abandonment_rate.sample_size"} <= figures


def test_released_benchmarks_wait_until_responses_had_their_time(
    analytics: AnalyticsSystem,
) -> None:
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = (month - timedelta(days=1)).replace(day=1)
    # Everything of the month before is mature by waiting 1 day, nothing by waiting 90.
    waiting = analytics.config.replace(maturity_days=90)
    with AnalyticsSystem(waiting) as patient:
        patient.ingest_data(make_organizations(patient.config, start=start))
        patient.refresh()
        assert released_completion(patient) == {}
    with AnalyticsSystem(analytics.config.replace(maturity_days=1)) as quick:
        quick.refresh()
        assert released_completion(quick) == {"all": (12 * PEOPLE, 0), "Technology": (720, 0)}


@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_new_assessments_do_not_hide_that_a_month_has_ripened(
    analytics: AnalyticsSystem, is_rebuilt: bool
) -> None:
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = (month - timedelta(days=1)).replace(day=1)
    days = [(start + timedelta(days=at)).date() for at in range(2)]
    rows = make_organizations(analytics.config, start=start)
    with AnalyticsSystem(analytics.config.replace(maturity_days=90)) as patient:
        patient.ingest_data(rows)
        patient.refresh()
    late = {
        "assessment_id": "late",
        "organization_id": "org1",
        "industry": "51",
        "employee_count": 20,
        "instrument": "ipip50",
    }
    new = [
        late | {"assessment_id": f"late{day.day}", "created_at": day.isoformat()} for day in days
    ]
    pipeline = AnonymizationPipeline(analytics.config)
    analytics.ingest_data(pipeline.process_data({"assessments": new}))
    with AnalyticsSystem(analytics.config.replace(maturity_days=1)) as quick:
        if is_rebuilt:
            quick.rebuild_days(days)
        else:
            # All released days are released again for their assessments.
            quick.refresh()
        assert released_completion(quick) == {"all": (12 * PEOPLE, 0), "Technology": (720, 0)}
        assert quick.ripe_months() == []


def test_a_refused_month_lets_the_others_ripen(
    analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = (month - timedelta(days=1)).replace(day=1)
    before = (last - timedelta(days=1)).replace(day=1)
    with AnalyticsSystem(analytics.config.replace(maturity_days=90)) as patient:
        for at, start in enumerate((before, last)):
            patient.ingest_data(make_organizations(patient.config, start=start, name=f"r{at}-"))
        patient.refresh()

    def judge(connection: Any, months: Iterable[date]) -> None:
        if before.date() in months:
            raise IntegrityFailure("refused")

    with AnalyticsSystem(analytics.config.replace(maturity_days=1)) as quick:
        monkeypatch.setattr("ioc_analytics.insight.refresh.judge_released", judge)
        with pytest.raises(IntegrityFailure, match="refused"):
            quick.refresh()
        assert released_completion(quick) == {"all": (12 * PEOPLE, 0), "Technology": (720, 0)}
        # It is not forgotten.
        assert quick.ripe_months() == [before.date()]
        monkeypatch.undo()
        quick.refresh()
        assert quick.ripe_months() == []


def test_a_batch_between_two_readings_of_a_release_makes_no_negative_count(
    organizations: AnalyticsSystem,
) -> None:
    wanted, everybody = TimeRange(START, START + timedelta(days=31)), Selection({})
    with organizations.database.connection("ingest") as connection:
        sums = read_organizations(connection, everybody, read_ground(connection, wanted))
        late = make_organizations(organizations.config, number=14, name="late-")
        organizations.ingest_data(late)
        settled = read_settled(connection, everybody, wanted, sums, START.date())
    assert len(settled) == 12
    assert (settled.started.tolist(), settled.completed.tolist()) == ([0] * 12, [0] * 12)


def test_young_people_do_not_lift_an_organization_over_ten(analytics: AnalyticsSystem) -> None:
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = (month - timedelta(days=1)).replace(day=1)
    analytics.ingest_data(make_organizations(analytics.config, start=start))
    # One more organization: nine people answered fifteen times, others only just began.
    times = [start] * 15 + [start + timedelta(days=20)] * 6
    responses = [
        {
            "response_id": f"few-{at}",
            "assessment_id": "few",
            "respondent_id": f"p{at % 9 if at < 15 else at}",
            "status": "completed",
            "started_at": time.isoformat(),
        }
        for at, time in enumerate(times)
    ]
    assessment = {
        "assessment_id": "few",
        "organization_id": "few",
        "industry": "51",
        "employee_count": 20,
        "instrument": "ipip50",
        "created_at": "2025-02-01",
    }
    pipeline = AnonymizationPipeline(analytics.config)
    analytics.ingest_data(
        pipeline.process_data({"assessments": [assessment], "responses": responses})
    )
    waits = (datetime.now(UTC) - start).days - 10
    with AnalyticsSystem(analytics.config.replace(maturity_days=waits)) as system:
        system.refresh()
        assert released_completion(system)["all"] == (12 * PEOPLE, 0)


def test_a_sealed_month_counts_whole_however_long_one_waits(
    organizations: AnalyticsSystem,
) -> None:
    before = organizations.analyze_metric("completion_rate")
    organizations.refresh()
    organizations.seal_month(START.date())
    # The first day that is not mature lies in the sealed month.
    days = (datetime.now(UTC) - START).days - 1
    with AnalyticsSystem(organizations.config.replace(maturity_days=days)) as patient:
        after = patient.analyze_metric("completion_rate")
    assert (after.value, after.sample_size, after.immature) == (before.value, 12 * PEOPLE, 0)


def released_completion(analytics: AnalyticsSystem) -> dict[str, tuple[int, int]]:
    found = analytics.query(
        "SELECT industry_category, sample_size, immature FROM benchmarking_data "
        "WHERE metric = 'completion_rate' AND org_size_category = 'all' "
        "AND sample_size IS NOT NULL",
        options={"use_cache": False},
    ).data
    return {row["industry_category"]: (row["sample_size"], row["immature"]) for row in found}


def test_own_figures_do_not_move_the_peers(organizations: AnalyticsSystem) -> None:
    rates: dict[str, float] = dict(
        organizations.query(
            "SELECT org_hash::text, avg((status = 'completed')::int)::float8"
            " FROM anonymized_assessment_responses GROUP BY 1",
            options={"use_cache": False},
        )
        .to_frame()
        .itertuples(index=False)
    )
    own = str(organizations.pseudonym("organization", "org0"))
    peers = [rate for name, rate in rates.items() if name != own]
    completion = organizations.get_benchmarks("org0").shown["completion_rate"]
    assert completion.value == pytest.approx(rates[own])
    assert completion.peer_median == pytest.approx(np.median(peers))


def test_the_order_of_rows_and_refreshing_change_nothing(
    organizations: AnalyticsSystem, platform_factory: Callable[[], AnalyticsSystem]
) -> None:
    other = platform_factory()
    other.ingest_data(make_organizations(other.config, order=3))
    first = figures(organizations.get_benchmarks("org0"))
    assert figures(other.get_benchmarks("org0")) == first
    organizations.refresh()
    assert figures(organizations.get_benchmarks("org0")) == first


def test_the_picture_of_a_sector(organizations: AnalyticsSystem) -> None:
    answer = organizations.get_benchmarks(industry="Technology")
    assert answer.performance_index is None
    assert answer.shown["completion_rate"].peer_organizations == 12
    assert answer.shown["completion_rate"].percentile_rank is None
    assert answer.recommendations == ()


def test_bad_questions_say_what_to_ask(organizations: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="Technology"):
        organizations.get_benchmarks(industry="Tecnology")
    with pytest.raises(InvalidInput, match="needs its industry"):
        organizations.get_benchmarks(size="Small")
    with pytest.raises(NotEnoughData, match="no responses"):
        organizations.get_benchmarks("nobody")


def test_few_organizations_are_not_compared(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_organizations(analytics.config, number=5))
    answer = analytics.get_benchmarks("org0")
    assert answer.shown == {}
    assert answer.performance_index is None
    assert any("fewer than 5 organizations" in w["reason"] for w in answer.withheld)


def test_released_peer_groups_hide_what_subtraction_would_show(
    organizations: AnalyticsSystem,
) -> None:
    organizations.refresh()
    rows = organizations.query(
        "SELECT * FROM benchmarking_data WHERE metric = 'completion_rate'"
    ).data
    found = {(row["industry_category"], row["org_size_category"]): row for row in rows}
    assert found["all", "all"]["organizations"] == 12
    assert found["Technology", "all"]["sample_size"] == 12 * PEOPLE
    # Three small ones are too few, and the nine others would give them away.
    assert "fewer than 5" in found["Technology", "Small"]["withheld_reason"]
    assert found["Technology", "Medium"]["mean"] is None
    view = organizations.query("SELECT count(*) AS n FROM mv_industry_benchmarks").data
    assert view[0]["n"] > 0


def test_released_agreement_of_ai_raters_equals_the_rows(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 300, days=2))
    analytics.refresh()
    with analytics.database.connection("analyst") as connection:
        truth = connection.execute(
            """SELECT created_at::date, dimension::text, count(*), avg(primary_score
            - secondary_score), avg((abs(primary_score - secondary_score) <= 10)::int)::float8
            FROM internal.ai_validations GROUP BY 1, 2 ORDER BY 1, 2"""
        ).fetchall()
    shown = analytics.query(
        "SELECT metric_date, dimension::text, n, bias, agreement_rate, withheld_reason"
        " FROM dual_ai_validation_metrics ORDER BY 1, 2"
    ).data
    assert len(shown) == len(truth)
    assert any(row["n"] for row in shown)
    for row, (_, _, n, bias, rate) in zip(shown, truth, strict=True):
        if n < 10:
            assert row["n"] is None
            assert row["withheld_reason"] == "fewer than 10 people"
        else:
            assert (row["n"], row["bias"], row["agreement_rate"]) == pytest.approx((n, bias, rate))


def test_a_report_shows_the_organization_in_its_limits(
    organizations: AnalyticsSystem, tmp_path: Path
) -> None:
    config = organizations.config.replace(reports={"path": tmp_path})
    with AnalyticsSystem(config) as system:
        report = system.generate_report({"organization": "org0", "sections": ["benchmarks"]})
    text = report.path.read_text("utf-8")
    assert "completion rate" in text
    assert f"n = {PEOPLE:,}; 11 peers (industry); as of" in text
    assert "high: Find where people stop" in text
