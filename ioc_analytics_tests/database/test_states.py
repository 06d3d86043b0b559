"""States are the raw rows counted, whatever order and however often they were counted."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.states.families import DIMENSIONS, FAMILIES, Family
from ioc_analytics.states.stored import read_cells
from ioc_analytics_tests.database.survey import Question, ask_rows, demand_equal, make_survey
from ioc_analytics_tests.fixtures.batches import assessment, response, scores, validation

_SOURCES = dict.fromkeys(DIMENSIONS, "r") | {
    "industry_category": "a",
    "org_size_category": "a",
    "assessment_type": "a",
}
EVERYTHING = ("2000-01-01", "2100-01-01")


def _counted(analytics: AnalyticsSystem, family: Family) -> Mapping[Any, Any]:
    """Count in SQL: (cell, trait, score) -> n, and (cell, None, None) -> people."""
    split = [
        f"{_SOURCES[name]}.{name}" if name in family.dimensions else "'all'" for name in DIMENSIONS
    ]
    key = ", ".join(
        [
            f"date_trunc('{family.grain}', r.created_at, 'UTC')::date",
            "a.instrument",
            "r.is_careless",
            *split,
        ]
    )
    scope = f"""FROM anonymized_assessment_scores AS s
        JOIN anonymized_assessment_responses AS r
            ON r.created_at = s.created_at AND r.id = s.response_hash
        JOIN anonymized_assessments AS a ON a.id = r.assessment_hash
        GROUP BY {", ".join(str(at) for at in range(1, 11))}"""
    with analytics.database.connection("analyst") as connection:
        counts = connection.execute(
            f"SELECT {key}, s.dimension::text, s.score, count(*) {scope}, 11, 12"
        ).fetchall()
        people = connection.execute(
            f"SELECT {key}, count(DISTINCT s.response_hash) {scope}"
        ).fetchall()
    found: dict[Any, Any] = {(row[:10], row[10], row[11]): row[12] for row in counts}
    return found | {(row[:10], None, None): row[10] for row in people}


def _stored(analytics: AnalyticsSystem, family: Family) -> Mapping[Any, Any]:
    with analytics.database.connection("analyst") as connection:
        keys, cells = read_cells(connection, family.name, "live", *EVERYTHING)  # type: ignore[arg-type]
        traits = [
            row[0]
            for row in connection.execute("SELECT unnest(enum_range(NULL::ocean_dimension))::text")
        ]
    found: dict[Any, Any] = {
        (keys[cell], traits[count["trait"]], float(count["score"])): int(count["n"])
        for cell, count in zip(cells.count_cells.tolist(), cells.counts, strict=True)
    }
    assert len(found) == len(cells.counts), "a score is counted twice in one cell"
    people = zip(keys, cells.responses.tolist(), strict=True)
    return found | {(key, None, None): n for key, n in people}


def _demand_states_equal_rows(analytics: AnalyticsSystem) -> None:
    for family in FAMILIES:
        assert _stored(analytics, family) == _counted(analytics, family), family.name


def _everything(analytics: AnalyticsSystem) -> list[Any]:
    with analytics.database.connection("analyst") as connection:
        return [
            connection.execute(
                f"SELECT * FROM internal.{table} ORDER BY {', '.join(map(str, range(1, 7)))}, "
                "t::text"
                if table == "trait_states"
                else f"SELECT * FROM internal.{table} AS t ORDER BY t::text"
            ).fetchall()
            for table in ("organization_states", "time_states", "item_states")
        ] + [
            connection.execute(
                "SELECT t::text FROM internal.trait_states AS t ORDER BY 1"
            ).fetchall()
        ]


def test_states_equal_raw_rows_whatever_came_when(analytics: AnalyticsSystem) -> None:
    first = analytics.ingest_data(make_survey(analytics.config, 250))
    analytics.refresh()
    _demand_states_equal_rows(analytics)
    analytics.ingest_data(make_survey(analytics.config, 30, seed=2, name="late"))
    analytics.ingest_data(make_survey(analytics.config, 1, seed=3, days=1, name="single"))
    analytics.refresh()
    _demand_states_equal_rows(analytics)
    by_steps = _everything(analytics)
    analytics.rebuild()
    assert _everything(analytics) == by_steps
    assert first.batch_id is not None
    analytics.undo_batch(first.batch_id)
    analytics.refresh()
    _demand_states_equal_rows(analytics)
    by_steps = _everything(analytics)
    analytics.rebuild()
    assert _everything(analytics) == by_steps


def _demand_sums_equal_rows(analytics: AnalyticsSystem) -> None:
    """Compare organization sums and time counts with the rows, both ways and at both grains."""
    trait_n = ", ".join(f"count(*) FILTER (WHERE '{name}' = ANY(s.traits))" for name in TRAITS)
    with analytics.database.connection("analyst") as connection:
        for grain in ("day", "month"):
            names = """period_start, org_hash, instrument, is_careless, industry_category,
                org_size_category, started, completed, abandoned, timed, time_sum, whole, validated,
                agreed, trait_n"""
            counted = f"""
                SELECT date_trunc('{grain}', r.created_at, 'UTC')::date AS period_start,
                    r.org_hash, a.instrument, r.is_careless, a.industry_category,
                    a.org_size_category, count(*) AS started,
                    count(*) FILTER (WHERE r.status = 'completed') AS completed,
                    count(*) FILTER (WHERE r.status = 'abandoned') AS abandoned,
                    count(r.time_spent_seconds) FILTER (WHERE r.status = 'completed') AS timed,
                    coalesce(
                        sum(r.time_spent_seconds) FILTER (WHERE r.status = 'completed'), 0
                    ) AS time_sum,
                    count(*) FILTER (
                        WHERE r.status = 'completed' AND r.time_spent_seconds IS NOT NULL
                        AND cardinality(s.traits) = 5
                    ) AS whole,
                    sum(v.validated)::bigint AS validated,
                    sum(v.agreed)::bigint AS agreed,
                    ARRAY[{trait_n}] AS trait_n
                FROM anonymized_assessment_responses AS r
                JOIN anonymized_assessments AS a ON a.id = r.assessment_hash
                CROSS JOIN LATERAL (
                    SELECT array_agg(p.dimension::text) AS traits
                    FROM anonymized_assessment_scores AS p
                    WHERE p.created_at = r.created_at AND p.response_hash = r.id
                ) AS s
                CROSS JOIN LATERAL (
                    SELECT count(*) AS validated,
                        count(*) FILTER (WHERE abs(p.primary_score - p.secondary_score) <= 10)
                            AS agreed
                    FROM internal.ai_validations AS p
                    WHERE p.created_at = r.created_at AND p.response_hash = r.id
                ) AS v
                GROUP BY 1, 2, 3, 4, 5, 6"""
            stored = f"SELECT {names} FROM internal.organization_states WHERE family = '{grain}'"
            for one, other in ((counted, stored), (stored, counted)):
                assert connection.execute(f"({one}) EXCEPT ({other})").fetchall() == []
            numbers = connection.execute(
                f"""SELECT
                (SELECT sum(responses) FROM internal.time_states WHERE family = '{grain}'),
                (SELECT count(time_spent_seconds) FROM anonymized_assessment_responses
                    WHERE status = 'completed')"""
            ).fetchone()
            assert numbers is not None
            assert numbers[0] == numbers[1]


def test_sums_of_organizations_and_times_equal_raw_rows(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 200))
    analytics.refresh()
    _demand_sums_equal_rows(analytics)
    analytics.ingest_data(make_survey(analytics.config, 2, seed=3, days=3, name="late"))
    analytics.refresh()
    _demand_sums_equal_rows(analytics)


def test_a_late_ai_validation_touches_its_day(analytics: AnalyticsSystem) -> None:
    pipeline = AnonymizationPipeline(analytics.config)
    analytics.ingest_data(
        pipeline.process_data(
            {"assessments": [assessment()], "responses": [response()], "scores": scores()}
        )
    )
    analytics.refresh()
    late = {
        "ai_validations": [
            validation(dimension="openness", primary_score=60.0, secondary_score=50.0),
            validation(dimension="neuroticism", primary_score=60.0, secondary_score=49.9),
        ]
    }
    receipt = analytics.ingest_data(pipeline.process_data(late))
    assert [str(day) for day in receipt.touched_days] == ["2024-03-05"]
    analytics.refresh()
    _demand_sums_equal_rows(analytics)
    with analytics.database.connection("analyst") as connection:
        found = connection.execute(
            "SELECT DISTINCT whole, validated, agreed FROM internal.organization_states"
        ).fetchall()
    assert found == [(1, 2, 1)]


def test_marks_that_arrive_during_a_refresh_stay(
    analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ioc_analytics.states import rebuild

    analytics.ingest_data(make_survey(analytics.config, 80, days=31))
    late = make_survey(analytics.config, 40, seed=6, days=31, name="late")
    merge, done = rebuild._merge_items, threading.Event()

    def merge_after_another_batch(*arguments: Any) -> None:
        if not done.is_set():
            done.set()
            writer = threading.Thread(target=analytics.ingest_data, args=(late,))
            writer.start()
            writer.join()
        merge(*arguments)

    monkeypatch.setattr(rebuild, "_merge_items", merge_after_another_batch)
    analytics.refresh()
    assert analytics.get_system_status().touched_days
    demand_equal(analytics.get_ocean_analysis(), ask_rows(analytics, Question()))
    analytics.refresh()
    assert not analytics.get_system_status().touched_days
    _demand_states_equal_rows(analytics)


def test_two_refreshers_at_once_leave_the_right_states(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 150))
    start = threading.Barrier(3)
    faults: list[BaseException] = []

    def refresh() -> None:
        start.wait()
        try:
            analytics.refresh()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=refresh) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    _demand_states_equal_rows(analytics)


def test_released_distributions_are_exact_and_withhold_small_cells(
    analytics: AnalyticsSystem,
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 300, days=60))
    analytics.refresh()
    rows = analytics.query("SELECT * FROM ocean_trait_distributions").data
    assert rows
    for row in rows:
        if row["withheld_reason"]:
            assert all(row[name] is None for name in ("sample_size", "mean", "p50", "histogram"))
        else:
            assert row["sample_size"] >= 10
            assert sum(row["histogram"]["counts"]) == row["sample_size"]
    compared = 0
    for row in rows:
        split = {name: row[name] for name in (*DIMENSIONS, "instrument") if row[name] != "all"}
        if row["withheld_reason"] or row["grain"] != "month" or len(split) > 2:
            continue
        answer = analytics.get_ocean_analysis(
            [{"field": name, "operator": "eq", "value": value} for name, value in split.items()],
            {"start": row["period_start"], "end": row["period_end"]},
        )
        trait = next(trait for trait in answer.traits if trait.name == row["dimension"])
        assert (row["sample_size"], row["mean"]) == (trait.sample_size, trait.average)
        assert (row["p05"], row["p95"]) == (trait.percentiles[5], trait.percentiles[95])
        assert (row["std_dev"], row["skewness"]) == (trait.std_dev, trait.skewness)
        compared += 1
    assert compared > 20
    view = analytics.query("SELECT count(*) AS n FROM mv_monthly_ocean_distributions").data
    assert view[0]["n"] > 0


def test_a_reader_sees_old_or_new_released_figures(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 150, days=31))
    analytics.refresh()
    ask = (
        "SELECT count(*) AS n, sum(sample_size) AS people FROM ocean_trait_distributions "
        "WHERE grain = 'month'"
    )
    old = analytics.query(ask).data
    analytics.ingest_data(make_survey(analytics.config, 150, seed=5, days=31, name="more"))
    seen: list[Any] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            found = analytics.query(ask).data
            if found not in seen:
                seen.append(found)

    watcher = threading.Thread(target=watch)
    watcher.start()
    analytics.refresh()
    stop.set()
    watcher.join()
    new = analytics.query(ask).data
    assert new != old
    assert all(found in (old, new) for found in seen)


def test_percentiles_have_every_bit_of_percentile_cont(analytics: AnalyticsSystem) -> None:
    from ioc_analytics.statistics.counts import count_distinct
    from ioc_analytics.statistics.distributions import percentiles

    generator = np.random.default_rng(3)
    shares = [0, 1, 2.5, 5, 10, 33.3, 50, 66.7, 75, 90, 95, 97.5, 99.9, 100]
    for size in (1, 2, 3, 7, 100, 1001):
        for sample in (
            generator.normal(size=size) * 1e3,
            generator.integers(0, 40, size) * 2.5,
            generator.integers(0, 12, size) * 25 / 3,
        ):
            with analytics.database.connection("analyst") as connection:
                row = connection.execute(
                    "SELECT percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY v) "
                    "FROM unnest(%s::float8[]) AS v",
                    ([share / 100 for share in shares], sample.tolist()),
                ).fetchone()
            assert row is not None
            assert list(percentiles(*count_distinct(sample), shares)) == row[0]
