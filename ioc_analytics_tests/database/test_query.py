"""Custom SQL: parameters, limits, and what it may not do."""

import time

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import InvalidInput, PrivacyRefusal
from ioc_analytics.query.statements import MAX_STATEMENT_BYTES


def test_parameters_have_numbers_and_dicts_become_json(analytics: AnalyticsSystem) -> None:
    result = analytics.query(
        "SELECT $2::int + $2::int AS twice, $1::jsonb ->> 'a' AS a, $3::text AS t",
        [{"a": "é"}, 21, None],
    )
    assert result.columns == ("twice", "a", "t")
    assert result.data == [{"twice": 42, "a": "é", "t": None}]
    assert not result.truncated


def test_an_empty_result_has_its_columns(analytics: AnalyticsSystem) -> None:
    result = analytics.query("SELECT 1 AS a, 'x' AS b WHERE $1::int = 2", [1])
    assert (result.columns, result.data, result.truncated) == (("a", "b"), [], False)


@pytest.mark.parametrize(("wanted", "truncated"), [(9, True), (10, False), (11, False)])
def test_the_row_cap_tells_whether_there_was_more(
    analytics: AnalyticsSystem, wanted: int, truncated: bool
) -> None:
    ten = "SELECT n FROM generate_series(1, 10) AS n ORDER BY n"
    result = analytics.query(ten, options={"max_rows": wanted})
    assert [row["n"] for row in result.data] == list(range(1, min(wanted, 10) + 1))
    assert result.truncated is truncated


def test_rows_beyond_the_cap_are_not_computed(analytics: AnalyticsSystem) -> None:
    endless = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t"
    result = analytics.query(endless, options={"max_rows": 3, "timeout_seconds": 20})
    assert result.row_count == 3
    assert result.truncated


def test_a_statement_ends_at_its_time_limit(analytics: AnalyticsSystem) -> None:
    started = time.monotonic()
    with pytest.raises(InvalidInput, match=r"time limit of 0\.3 s"):
        analytics.query("SELECT pg_sleep(30)", options={"timeout_seconds": 0.3})
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM anonymized_assessment_scores",
        "CREATE TABLE mine (a int)",
        "CREATE TEMP TABLE mine (a int)",
        "SELECT * FROM internal.response_registry",
        "SET ROLE ioc_owner",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "INSERT INTO predictive_analytics_results (model_name) VALUES ('m')",
    ],
)
def test_nothing_is_written_or_reached_beyond_the_grants(
    analytics: AnalyticsSystem, statement: str
) -> None:
    with pytest.raises((PrivacyRefusal, InvalidInput)):
        analytics.query(statement)


def test_several_statements_are_refused(analytics: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="several statements"):
        analytics.query("SELECT 1; SELECT 2")
    with pytest.raises(InvalidInput, match="several statements"):
        analytics.query("SELECT 1; COMMIT; SELECT 2", options={"access": "ml"})


def test_a_syntax_error_tells_its_place(analytics: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match=r"syntax error.*line 2, column 10"):
        analytics.query("SELECT 1\n, 2 FORM x")


def test_statements_have_a_size_and_options_a_range(analytics: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match="bytes, at most"):
        analytics.query("SELECT '" + "x" * MAX_STATEMENT_BYTES + "'")
    with pytest.raises(InvalidInput, match="is empty"):
        analytics.query("  ")
    with pytest.raises(InvalidInput, match="did you mean 'max_rows'"):
        analytics.query("SELECT 1", options={"max_row": 1})
    with pytest.raises(InvalidInput, match="at least 1"):
        analytics.query("SELECT 1", options={"max_rows": 0})
    with pytest.raises(InvalidInput, match="timeout_seconds"):
        analytics.query("SELECT 1", options={"timeout_seconds": -1})


def test_what_a_statement_sets_does_not_meet_the_next_one(analytics: AnalyticsSystem) -> None:
    analytics.query("SELECT set_config('TimeZone', 'Asia/Tokyo', false)")
    analytics.query("SELECT set_config('search_path', 'public', false)")
    with pytest.raises(InvalidInput, match="returns no rows"):
        analytics.query("SET statement_timeout = 0")
    analytics.query("SELECT pg_advisory_lock(hashtextextended('ingest', 0))")
    for _ in range(3):
        row = analytics.query(
            "SELECT current_setting('TimeZone') AS zone, current_setting('search_path') AS path"
        ).data[0]
        assert row == {"zone": "UTC", "path": "analytics"}
    with analytics.database.connection("owner") as connection:
        # Of this database: other tests run on the same server.
        held = connection.execute(
            "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
        assert held.fetchone() == (0,)


def test_predictions_are_stored_with_access_ml_and_nothing_else(
    analytics: AnalyticsSystem,
) -> None:
    ml = {"access": "ml"}
    insert = (
        "INSERT INTO predictive_analytics_results (model_name, model_version, prediction_target, "
        "prediction) VALUES ($1, '1', 'completion', $2) RETURNING model_name"
    )
    assert analytics.query(insert, ["m", 0.5], ml).data == [{"model_name": "m"}]
    stored = analytics.query("SELECT count(*) AS n FROM predictive_analytics_results").data
    assert stored == [{"n": 1}]
    with pytest.raises(PrivacyRefusal):
        analytics.query("DELETE FROM predictive_analytics_results", [], ml)
    with pytest.raises(PrivacyRefusal):
        analytics.query("UPDATE anonymized_assessments SET region = 'x'", [], ml)


def test_queries_are_audited_without_their_values(analytics: AnalyticsSystem) -> None:
    analytics.query("SELECT $1::text AS secret", ["hidden-value"])
    with analytics.database.connection("auditor") as connection:
        rows = connection.execute(
            "SELECT actor, role, action, row_count, l::text FROM audit_log AS l "
            "WHERE action = 'query' ORDER BY sequence DESC LIMIT 1"
        ).fetchall()
    assert len(rows) == 1
    # Noted before it ran: how many rows it returned was not known yet.
    assert rows[0][1:4] == ("analyst", "query", None)
    assert rows[0][0]
    assert "hidden-value" not in rows[0][4]


@pytest.mark.parametrize(
    ("statement", "params", "said"),
    [
        ("SELECT $1::int AS a", ["abc"], r"parameter \$1 cannot be read as integer"),
        ("SELECT $1::text AS a, $2::timestamptz AS t", ["x", "soon"], r"parameter \$2 cannot be"),
        ("SELECT 1 AS a WHERE status = $1", [5], r"column .status. does not exist"),
        (
            "SELECT 1 AS a FROM anonymized_assessments WHERE status = $1",
            [5],
            r"operator does not exist.*line 1.*\$1 as int",
        ),
        ("SELECT $1::int + $2::int AS a", [1], r"up to \$2, and 1 parameters"),
        ("SELECT $1::text AS a", [object()], r"parameter \$1 is a object"),
    ],
)
def test_wrong_parameters_are_named_by_their_number(
    analytics: AnalyticsSystem, statement: str, params: list[object], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        analytics.query(statement, params)
    assert "abc" not in str(refused.value)
    assert "soon" not in str(refused.value)


def test_ten_megabytes_of_sql_are_refused_at_once(analytics: AnalyticsSystem) -> None:
    with pytest.raises(InvalidInput, match=r"10,000,\d+ bytes, at most"):
        analytics.query("SELECT '" + "x" * 10_000_000 + "' AS a")
