"""Cached answers: never other than a fresh run's, never another role's."""

import random
from datetime import date
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics_tests.fixtures.batches import assessment, response, scores, write_batch

STATEMENTS = (
    "SELECT count(*) AS n, avg(score) AS mean FROM anonymized_assessment_scores",
    "SELECT status, count(*) AS n FROM anonymized_assessment_responses GROUP BY 1 ORDER BY 1",
    "SELECT region, count(*) AS n FROM anonymized_assessments GROUP BY 1 ORDER BY 1",
    "SELECT period_start, sample_size FROM ocean_trait_distributions ORDER BY 1, 2 LIMIT 50",
    "SELECT count(*) AS n FROM mv_monthly_ocean_distributions",
    "SELECT family, sum(n) AS n FROM ocean_score_counts GROUP BY 1 ORDER BY 1",
    "SELECT count(*) AS n FROM predictive_analytics_results",
)


def test_a_cached_answer_equals_a_fresh_run_whatever_happens_in_between(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    chance = random.Random(11)
    batches: list[int] = []
    for step in range(40):
        match chance.randrange(7):
            case 0 | 1:
                name = f"r{step}"
                day = f"2024-0{chance.randrange(1, 6)}-1{chance.randrange(10)}T10:00:00Z"
                records = {
                    "assessments": [assessment()],
                    "responses": [response(name, started_at=day)],
                    "scores": scores(name, chance.randrange(100)),
                }
                receipt = analytics.ingest_files(write_batch(tmp_path / name, records))
                if receipt.batch_id is not None:
                    batches.append(receipt.batch_id)
            case 2 if batches:
                analytics.undo_batch(batches.pop())
            case 3:
                analytics.refresh()
            case 4:
                analytics.rebuild([date(2024, 3, 1)], with_views=False)
            case 5:
                analytics.query(
                    "INSERT INTO predictive_analytics_results "
                    "(model_name, model_version, prediction_target) VALUES ('m', '1', 't')",
                    (),
                    {"access": "ml"},
                )
            case _:
                analytics.refresh_views()
        for statement in chance.sample(STATEMENTS, 4):
            kept = analytics.query(statement)
            fresh = analytics.query(statement, (), {"use_cache": False})
            assert kept.data == fresh.data, statement
    figures = analytics.query_counters.figures()
    # A run without hits would prove nothing.
    assert 0.1 < (figures.cache_hit_rate or 0) < 0.95


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_second_answer_comes_from_the_cache(analytics: AnalyticsSystem, statement: str) -> None:
    first, second = analytics.query(statement), analytics.query(statement)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert (first.columns, first.data) == (second.columns, second.data)
    assert second.data_versions == first.data_versions
    second.data.clear()
    assert analytics.query(statement).data == first.data  # nobody can spoil what is kept


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT now() AS t",
        'SELECT "now"() AS t',
        "SELECT CURRENT_DATE AS t, count(*) AS n FROM anonymized_assessments",
        "SELECT random() AS r",
        "SELECT 'yesterday'::timestamptz AS t",
        "SELECT count(*) AS n FROM pg_class",
        "SELECT count(*) AS n FROM pg_locks",
        "SELECT count(*) AS n FROM table_versions",
        "SHOW TimeZone",
    ],
)
def test_what_depends_on_more_than_tracked_tables_is_not_cached(
    analytics: AnalyticsSystem, statement: str
) -> None:
    assert [analytics.query(statement).from_cache for _ in range(2)] == [False, False]


def test_parameters_limits_and_roles_have_answers_of_their_own(
    analytics: AnalyticsSystem,
) -> None:
    statement = "SELECT $1 AS p, n FROM generate_series(1, 3) AS n"
    assert analytics.query(statement, ["1"]).data[0]["p"] == "1"
    assert not analytics.query(statement, [1]).from_cache
    assert analytics.query(statement, ["1"], {"max_rows": 2}).truncated
    cut = analytics.query(statement, ["1"], {"max_rows": 2})
    assert (cut.truncated, cut.from_cache, cut.row_count) == (True, True, 2)
    assert not analytics.query("SELECT 1 AS a WHERE $1::date > '2020-01-01'", ["today"]).from_cache
    assert not analytics.query("SELECT 1 AS a WHERE $1::date > '2020-01-01'", ["today"]).from_cache


def test_settings_switch_the_cache_off_and_bound_it(
    platform_config: AnalyticsConfig,
) -> None:
    for change in ({"enable_caching": False}, {"cache_timeout": 0}, {"cache_bytes": 1024}):
        with AnalyticsSystem(platform_config.replace(operations=change)) as system:
            statement = "SELECT n FROM generate_series(1, 100) AS n"
            assert [system.query(statement).from_cache for _ in range(2)] == [False, False]


def test_cached_answers_are_audited_too(analytics: AnalyticsSystem) -> None:
    for _ in range(3):
        analytics.query(STATEMENTS[0])
    with analytics.database.connection("auditor") as connection:
        row = connection.execute("SELECT count(*) FROM audit_log WHERE action = 'query'").fetchone()
    assert row == (3,)
