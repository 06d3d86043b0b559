"""Advice stands on evidence: what is there is named, and without evidence nothing is said."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.database.logins import maintenance_connection
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.monitoring.advice import statements
from ioc_analytics.records.advice import Advice


def advice(analytics: AnalyticsSystem) -> dict[str, list[Advice]]:
    found: dict[str, list[Advice]] = {}
    for one in analytics.get_scaling_recommendations():
        found.setdefault(one.topic, []).append(one)
    return found


def as_owner(analytics: AnalyticsSystem, statement: str) -> None:
    with analytics.database.connection("owner") as connection:
        connection.rollback()
        connection.autocommit = True
        try:
            connection.execute(statement.encode())
            connection.execute("SELECT pg_stat_force_next_flush()")
            connection.execute("SELECT 1")
        finally:
            connection.autocommit = False


def test_a_new_installation_needs_no_advice(analytics: AnalyticsSystem) -> None:
    assert set(advice(analytics)) <= {"disk"}, "the disk of the machine is not ours"


def test_indexes_that_stand_twice_are_named(analytics: AnalyticsSystem) -> None:
    as_owner(
        analytics,
        "CREATE INDEX again ON analytics.anonymized_assessment_responses (assessment_hash)",
    )
    (one,) = advice(analytics)["indexes"]
    assert one.evidence["index_name"].endswith("again")
    assert one.evidence["kept_name"].endswith("idx_responses_assessment")
    assert one.priority == "low"
    json.dumps(one.to_dict())


def test_a_broken_off_index_is_named(analytics: AnalyticsSystem) -> None:
    as_owner(analytics, "CREATE TABLE internal.twice AS SELECT 1 AS n FROM generate_series(1, 2)")
    with pytest.raises(Exception, match=r"unique|duplicat"):
        as_owner(analytics, "CREATE UNIQUE INDEX CONCURRENTLY left_over ON internal.twice (n)")
    (one,) = advice(analytics)["indexes"]
    assert one.description == "REINDEX INDEX CONCURRENTLY internal.left_over"
    as_owner(analytics, "DROP TABLE internal.twice")
    assert "indexes" not in advice(analytics)
    (past,) = analytics.review_recommendations()
    assert (past.before, past.after, past.outcome) == (1, 0, "better")


def record(analytics: AnalyticsSystem, values: Mapping[int, float], figure: str) -> None:
    """Keep one figure a day, counted back from today."""
    component, metric = figure.split(".")
    with analytics.database.connection("ingest") as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO analytics.system_health_metrics"
            " (measured_at, component, metric, value, unit, status)"
            " VALUES (now() - make_interval(days => %s), %s, %s, %s, 'percent', 'healthy')",
            [(back, component, metric, value) for back, value in values.items()],
        )


def test_growth_gives_a_date_with_an_interval(analytics: AnalyticsSystem) -> None:
    noise = (4, -3, 1, -2)
    record(
        analytics,
        {back: 70 - back + noise[back % 4] for back in range(40)},
        "database.connections_percent",
    )
    (one,) = advice(analytics)["connections"]
    evidence: Mapping[str, Any] = one.evidence
    assert 22 <= (evidence["expected"] - utc_now().date()).days <= 38
    assert evidence["earliest"] < evidence["expected"] < evidence["latest"]
    assert evidence["days_of_history"] == 40
    assert one.priority in ("high", "medium")
    assert str(evidence["expected"]) in one.timeline
    assert analytics.database_manager.get_scaling_recommendations()[0].priority


def test_growth_of_a_few_days_is_no_evidence(analytics: AnalyticsSystem) -> None:
    record(analytics, {back: 70 - back for back in range(10)}, "database.connections_percent")
    assert "connections" not in advice(analytics)


def test_a_high_that_was_reached_is_evidence_without_a_date(analytics: AnalyticsSystem) -> None:
    record(analytics, {2: 91.0}, "database.connections_percent")
    (one,) = advice(analytics)["connections"]
    assert one.evidence["highest_percent_in_7_days"] == 91
    assert "expected" not in one.evidence


def test_a_peak_is_compared_with_the_peak_of_as_many_days(analytics: AnalyticsSystem) -> None:
    record(analytics, {2: 91.0}, "database.connections_percent")
    record(analytics, {3: 40.0}, "pool.waiting_percent")
    advice(analytics)
    with analytics.database.connection("owner") as connection:
        connection.execute(
            "UPDATE internal.given_advice SET evidence = evidence"
            ' || \'{"max_connections": 7, "pool_max": 0}\''
        )
    advice(analytics)
    past = {one.topic: one for one in analytics.review_recommendations()}
    assert past["connections"].taken_at is not None
    assert (past["connections"].before, past["connections"].after) == (91, 91)
    assert (past["pool"].before, past["pool"].after) == (40, 40)


def test_months_that_pass_follow_no_advice(analytics: AnalyticsSystem) -> None:
    low = analytics.config.replace(alerts={"limits": {"runway_months": 120}})
    with AnalyticsSystem(low) as system:
        advice(system)
        with analytics.database.connection("owner") as connection:
            connection.execute("UPDATE internal.given_advice SET evidence = '{}'")
        advice(system)
        (past,) = (one for one in system.review_recommendations() if one.topic == "partitions")
    assert past.taken_at is None
    assert past.outcome == "open"


def test_dead_rows_that_nobody_cleared_are_named(analytics: AnalyticsSystem) -> None:
    as_owner(
        analytics,
        "CREATE TABLE internal.dirty WITH (autovacuum_enabled = false) AS"
        " SELECT n FROM generate_series(1, 20000) AS n",
    )
    as_owner(analytics, "DELETE FROM internal.dirty WHERE n <= 15000")
    (one,) = advice(analytics)["autovacuum"]
    assert one.evidence["table_name"] == "internal.dirty"
    assert one.evidence["dead"] == 15000


# -- slow statements

_BY_SECONDS = "SELECT count(*) FROM analytics.visits WHERE visitor = $1"


def many_visits(analytics: AnalyticsSystem) -> None:
    as_owner(
        analytics,
        "CREATE TABLE analytics.visits AS SELECT n AS visitor, repeat('x', 100) AS note"
        " FROM generate_series(1, 60000) AS n",
    )
    as_owner(analytics, "GRANT SELECT ON analytics.visits TO ioc_analyst, ioc_query")
    as_owner(analytics, "ANALYZE analytics.visits")


def ask_often(analytics: AnalyticsSystem) -> None:
    for visitor in range(statements.FEWEST_CALLS):
        analytics.query(_BY_SECONDS, [visitor])


def forget_statements_of_other_tests(analytics: AnalyticsSystem) -> None:
    """Make room: the server keeps 5,000 statements and forgets those of few calls first."""
    with maintenance_connection(analytics.database.address) as connection:
        connection.execute(
            "SELECT pg_stat_statements_reset(0, s.dbid, 0) FROM (SELECT DISTINCT dbid"
            " FROM pg_stat_statements) AS s WHERE s.dbid NOT IN (SELECT oid FROM pg_database)"
        )


@pytest.fixture
def slow(analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch) -> AnalyticsSystem:
    """A platform on which what takes half a millisecond is slow, with a table to scan."""
    monkeypatch.setattr(statements, "SLOW_MILLISECONDS", 0.5)
    forget_statements_of_other_tests(analytics)
    many_visits(analytics)
    ask_often(analytics)
    return analytics


def about_visits(analytics: AnalyticsSystem) -> Advice:
    (one,) = (one for one in advice(analytics)["statements"] if "visits" in one.evidence["query"])
    return one


def test_a_slow_statement_is_shown_with_its_plan_and_the_index_to_try(
    slow: AnalyticsSystem,
) -> None:
    one = about_visits(slow)
    assert one.description == "Try CREATE INDEX ON analytics.visits (visitor)"
    assert one.evidence["calls"] == statements.FEWEST_CALLS
    assert any("Seq Scan on" in line for line in one.evidence["plan"])
    assert "HypoPG is not" in one.evidence["tried"]
    assert "$" in one.evidence["query"], "no value of anybody's question is shown"
    json.dumps(one.to_dict())


def test_with_hypopg_the_index_is_tried_first(slow: AnalyticsSystem) -> None:
    with slow.database.superuser_connection() as connection:
        known = connection.execute(
            "SELECT FROM pg_available_extensions WHERE name = 'hypopg'"
        ).fetchone()
        if known is None:
            pytest.skip("this server has no HypoPG")
        connection.execute("CREATE EXTENSION hypopg SCHEMA public")
        connection.execute("GRANT USAGE ON SCHEMA public TO ioc_analyst")
    one = about_visits(slow)
    assert one.description == "CREATE INDEX ON analytics.visits (visitor)"
    assert one.evidence["cost_with_index"] < one.evidence["planned_cost"] / 10
    with slow.database.connection("owner") as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_index WHERE indrelid = 'analytics.visits'::regclass"
        ).fetchone()
    assert found == (0,), "it was made in mind only"


def test_advice_that_was_followed_is_scored(
    slow: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = about_visits(slow).subject
    (before,) = (one for one in slow.review_recommendations() if one.subject == subject)
    assert (before.outcome, before.measure) == ("open", "mean_milliseconds")
    as_owner(slow, "CREATE INDEX ON analytics.visits (visitor)")
    ask_often(slow)
    monkeypatch.setattr(statements, "SLOW_MILLISECONDS", 60_000.0)
    assert "statements" not in advice(slow)
    (after,) = (one for one in slow.review_recommendations() if one.subject == subject)
    assert after.taken_at is not None
    assert after.ended_at is not None
    assert after.after is not None
    assert after.before is not None
    assert after.after < after.before
    assert after.outcome == "better"


def test_advice_on_a_statement_ends_by_its_own_time_alone(
    slow: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = about_visits(slow).subject

    def is_open() -> bool:
        slow.get_scaling_recommendations()
        past = slow.review_recommendations()
        return any(one.subject == subject and one.ended_at is None for one in past)

    with monkeypatch.context() as patch:
        patch.setattr(statements, "MOST_STATEMENTS", 0)
        assert is_open(), "others may push it off the list"
        ask_often(slow)
        assert is_open()
        patch.setattr(statements, "_schema_of", lambda *_: None)
        assert is_open(), "without statistics nobody can tell"
    monkeypatch.setattr(statements, "SLOW_MILLISECONDS", 60_000.0)
    assert not is_open()


def test_a_pool_of_one_connection_is_enough(slow: AnalyticsSystem) -> None:
    alone = slow.config.replace(database={"pool": {"min": 1, "max": 1}})
    with AnalyticsSystem(alone) as system:
        assert about_visits(system).lever == "index_count"
        assert about_visits(system).lever == "index_count"


def test_a_comment_in_a_statement_is_not_shown(slow: AnalyticsSystem) -> None:
    for visitor in range(statements.FEWEST_CALLS):
        slow.query(
            "SELECT count(*) /* of ada@example.org */ FROM analytics.visits WHERE note = $1",
            [str(visitor)],
        )
    told = json.dumps([one.to_dict() for one in advice(slow)["statements"]])
    assert "note = $1" in told
    assert "ada@" not in told


def test_an_index_that_was_dropped_counts_as_followed(analytics: AnalyticsSystem) -> None:
    as_owner(
        analytics,
        "CREATE INDEX again ON analytics.anonymized_assessment_responses (assessment_hash)",
    )
    advice(analytics)
    advice(analytics)
    as_owner(analytics, "DROP INDEX analytics.again")
    advice(analytics)
    (past,) = (one for one in analytics.review_recommendations() if one.topic == "indexes")
    assert past.taken_at == past.ended_at
    assert past.after == 0
    json.dumps(past.to_dict())
