"""The schema: what a fresh migration gives, who may do what, and what a second one does."""

import re
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput, MigrationError, PrivacyRefusal
from ioc_analytics.kernel.settings_values import LoginRole
from ioc_analytics.schema import migrations, scripts
from ioc_analytics.schema.dump import dump_schema
from ioc_analytics.schema.partitions import make_partitions, missing_partitions, read_runway
from ioc_analytics_tests.fixtures.database import TemporaryServer

CHECKOUT = Path(__file__).resolve().parents[2]
QUERIES = sorted(
    str(path.relative_to(sqlfiles.sql_root() / "queries")).removesuffix(".sql")
    for path in (sqlfiles.sql_root() / "queries").rglob("*.sql")
    # Those ask Dagster's own tables, or an extension that a server may lack.
    if path.parent.name not in ("dagster", "extensions")
)

SEED_READS = {
    "monthly scores": """
  SELECT
    DATE_TRUNC('month', created_at) as month,
    dimension,
    AVG(score) as avg_score,
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY score) as median_score,
    COUNT(*) as sample_size
  FROM anonymized_assessment_scores
  WHERE created_at >= $1
    AND dimension IN (
      'openness', 'conscientiousness', 'extraversion', 'agreeableness', 'neuroticism'
    )
  GROUP BY month, dimension
  ORDER BY month DESC, dimension
""",
    "monthly distributions": (
        "SELECT * FROM mv_monthly_ocean_distributions WHERE period_start >= $1"
    ),
    "training data": """
  SELECT
    dimension,
    score,
    industry_category,
    org_size_category,
    time_spent_seconds,
    completion_percentage
  FROM anonymized_assessment_scores s
  JOIN anonymized_assessment_responses r ON s.response_hash = r.id
  JOIN anonymized_assessments a ON s.assessment_hash = a.id
  WHERE s.created_at >= $1
""",
    "last day of the system": """
    SELECT * FROM mv_system_performance_dashboard
    WHERE hour >= NOW() - INTERVAL '24 hours'
    ORDER BY hour DESC
  """,
}
SEED_INSERT = """
  INSERT INTO predictive_analytics_results (
    model_name, model_version, prediction_target, accuracy_metrics
  ) VALUES ($1, $2, $3, $4)
"""

RAW = (
    "anonymized_assessments",
    "anonymized_assessment_responses",
    "anonymized_question_responses",
    "anonymized_assessment_scores",
)
RELEASED = (
    "daily_assessment_metrics",
    "ocean_trait_distributions",
    "benchmarking_data",
    "dual_ai_validation_metrics",
    "mv_monthly_ocean_distributions",
)


@pytest.fixture
def owner(analytics: AnalyticsSystem) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner in autocommit mode, as migrations run."""
    with psycopg.connect(analytics.database.conninfo("owner"), autocommit=True) as connection:
        yield connection


def first_column(connection: psycopg.Connection[Any], statement: str) -> list[Any]:
    return [row[0] for row in connection.execute(statement.encode()).fetchall()]


# -- statements


@pytest.mark.parametrize("name", QUERIES)
def test_a_named_query_can_be_prepared(owner: psycopg.Connection[Any], name: str) -> None:
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match[1], len(numbers) + 1)}"

    text = re.sub(r"%\((\w+)\)s", number, sqlfiles.query(name)).replace("%%", "%")
    with owner.transaction():
        owner.execute(f"PREPARE named AS {text}".encode())


@pytest.mark.parametrize("name", SEED_READS)
def test_a_query_of_the_request_runs_as_printed(analytics: AnalyticsSystem, name: str) -> None:
    params = [datetime(2024, 1, 1, tzinfo=UTC)] if "$1" in SEED_READS[name] else []
    for access in ("read", "ml"):
        result = analytics.query(SEED_READS[name], params, {"access": access})
        assert result.row_count == 0
        assert result.columns


def test_the_insert_of_the_request_runs_under_the_ml_login_only(
    analytics: AnalyticsSystem,
) -> None:
    params = ["completion", "1.0", "completion_rate", {"auc": 0.81, "brier": 0.1}]
    with pytest.raises(PrivacyRefusal):
        analytics.query(SEED_INSERT, params)
    analytics.query(SEED_INSERT, params, {"access": "ml"})
    stored = analytics.query("SELECT accuracy_metrics FROM predictive_analytics_results")
    assert stored.data == [{"accuracy_metrics": {"auc": 0.81, "brier": 0.1}}]


def test_every_select_of_the_request_is_among_those_tried() -> None:
    tables = {table for text in SEED_READS.values() for table in re.findall(r"FROM (\w+)", text)}
    assert tables == {
        "anonymized_assessment_scores",
        "mv_monthly_ocean_distributions",
        "mv_system_performance_dashboard",
    }


# -- the page to read first


def test_schema_sql_is_what_a_fresh_migration_gives(
    analytics: AnalyticsSystem, server: TemporaryServer
) -> None:
    if server.name != "pg18":
        pytest.skip("sql/schema.sql is written by PostgreSQL 18")
    text = dump_schema(analytics.database.conninfo("owner"), server.pg_bin)
    assert text == (CHECKOUT / "sql" / "schema.sql").read_text(encoding="utf-8"), (
        "run `make schema` after a change of the schema"
    )


def test_a_dump_has_no_keys_no_partitions_and_can_be_applied(
    analytics: AnalyticsSystem, server: TemporaryServer
) -> None:
    text = dump_schema(analytics.database.conninfo("owner"), server.pg_bin)
    assert "restrict" not in text
    assert "PASSWORD" not in text
    assert not re.search(r"_20\d\d(_\d\d)?\b", text)
    assert "CREATE TABLE analytics.anonymized_assessments (" in text


# -- migrations


def test_a_second_run_has_nothing_to_do(analytics: AnalyticsSystem) -> None:
    manager = analytics.database_manager
    assert manager.plan_migrations().is_empty
    assert manager.run_migrations() == []
    assert manager.find_drift() == []


def test_the_history_tells_every_file_with_its_checksum(analytics: AnalyticsSystem) -> None:
    history = analytics.database_manager.get_migration_history()
    files = [*scripts.platform_scripts(), *scripts.object_scripts()]
    assert {(one.history, one.name, one.checksum) for one in history} == {
        (script.history, script.name, script.checksum) for script in files
    }
    assert all(one.seconds >= 0 for one in history)
    times = [one.applied_at for one in history]
    assert times == sorted(times)


def test_a_changed_applied_migration_is_refused(
    analytics: AnalyticsSystem, owner: psycopg.Connection[Any]
) -> None:
    owner.execute("UPDATE internal.schema_history SET checksum = 'other' WHERE name LIKE '0002%'")
    with pytest.raises(MigrationError, match=r"0002_\w+\.sql was changed after"):
        analytics.database_manager.run_migrations()


def a_newer_release(
    monkeypatch: pytest.MonkeyPatch, promise: str, analytics: AnalyticsSystem
) -> list[str]:
    """Migrate with a release that has one migration and one other function more than this one."""
    view = next(one for one in scripts.object_scripts() if one.name.startswith("functions/is_held"))
    changed = scripts.Script(view.history, view.name, f"{view.text}\n-- Changed.\n")
    newer = scripts.Script(
        scripts.PLATFORM,
        "9999_future.sql",
        "-- What: one more column.\n"
        f"-- Previous release: {promise}\n\n"
        "ALTER TABLE analytics.processing_jobs ADD COLUMN future text;",
    )
    with monkeypatch.context() as patched:
        own, objects = scripts.platform_scripts(), scripts.object_scripts()
        patched.setattr(migrations, "platform_scripts", lambda: (*own, newer))
        patched.setattr(
            migrations,
            "object_scripts",
            lambda: tuple(changed if one.name == changed.name else one for one in objects),
        )
        patched.setattr(migrations, "_release", lambda: "99.0.0")
        return analytics.database_manager.run_migrations()


def test_this_release_runs_on_a_newer_schema_that_promises_it(
    analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = a_newer_release(monkeypatch, "runs, the column has a default.", analytics)
    assert applied[0] == "9999_future.sql"
    assert analytics.database_manager.plan_migrations().is_empty
    analytics.initialize()
    history = {one.name: one for one in analytics.database_manager.get_migration_history()}
    assert history["9999_future.sql"].release == "99.0.0"
    assert history["functions/is_held.sql"].release == "99.0.0", "its objects are not put back"
    assert analytics.health_check().checks.migrations.status == "healthy"


def test_a_promise_holds_for_one_release_only(
    analytics: AnalyticsSystem, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_newer_release(monkeypatch, "runs.", analytics)
    owner.execute(
        "INSERT INTO internal.schema_history"
        " (history, name, checksum, seconds, release, keeps_previous_release)"
        " VALUES ('platform', '9999_later.sql', 'x', 0, '100.0.0', true)"
    )
    with pytest.raises(MigrationError, match=r"newer releases \(99\.0\.0, 100\.0\.0\)"):
        analytics.database_manager.plan_migrations()


def test_a_newer_schema_without_the_promise_is_refused(
    analytics: AnalyticsSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_newer_release(monkeypatch, "stops, a column went.", analytics)
    with pytest.raises(MigrationError, match=r"9999_future\.sql, after which this one cannot run"):
        analytics.database_manager.run_migrations()


def test_a_history_of_before_releases_were_noted_is_read_and_completed(
    analytics: AnalyticsSystem, owner: psycopg.Connection[Any]
) -> None:
    owner.execute(
        "ALTER TABLE internal.schema_history"
        " DROP COLUMN release, DROP COLUMN keeps_previous_release"
    )
    assert analytics.database_manager.plan_migrations().is_empty
    assert {one.release for one in analytics.database_manager.get_migration_history()} == {""}
    assert analytics.database_manager.run_migrations() == []
    assert analytics.database_manager.find_drift() == []


def test_a_migration_lets_go_of_a_lock_it_waits_for(
    analytics: AnalyticsSystem,
    owner: psycopg.Connection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migrations, "LOCK_ATTEMPTS", 2)
    monkeypatch.setattr(migrations, "LOCK_SECONDS", 0.2)
    table = "analytics.processing_jobs"
    (tmp_path / "1.sql").write_text(f"ALTER TABLE {table} ADD COLUMN own text;")
    with owner.transaction():
        owner.execute(f"SELECT count(*) FROM {table}")  # A reader that stays.
        with pytest.raises(MigrationError, match=r"1\.sql waited 2 times 0\.2 s for a lock"):
            analytics.database_manager.run_migrations(tmp_path)
    assert analytics.database_manager.run_migrations(tmp_path) == ["1.sql"]


def test_a_folder_of_ones_own_has_a_history_of_its_own_and_goes_on_after_a_failure(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "001_first.sql").write_text("CREATE TABLE analytics.own_first (n integer);")
    second = folder / "002_second.sql"
    second.write_text("CREATE TABLE analytics.own_second (n integer); SELECT 1 / 0;")
    (folder / "003_third.sql").write_text("INSERT INTO analytics.own_second VALUES (3);")
    manager = analytics.database_manager
    with pytest.raises(MigrationError, match=r"002_second\.sql failed: division by zero"):
        manager.run_migrations(folder)
    assert [s.name for s in manager.plan_migrations(folder).pending] == [
        "002_second.sql",
        "003_third.sql",
    ]
    second.write_text("CREATE TABLE analytics.own_second (n integer);")
    assert manager.run_migrations(folder) == ["002_second.sql", "003_third.sql"]
    assert manager.run_migrations(folder) == []
    own = [one.name for one in manager.get_migration_history() if one.history == "folder own"]
    assert own == ["001_first.sql", "002_second.sql", "003_third.sql"]
    assert manager.plan_migrations().is_empty, "the platform's history is another one"


def test_an_empty_folder_is_refused(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds no \.sql file"):
        analytics.database_manager.run_migrations(tmp_path)


def test_two_migrators_at_once_apply_everything_once(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    for n in range(5):
        (folder / f"{n}.sql").write_text(f"CREATE TABLE analytics.both_{n} (n integer);")
    outcomes: list[list[str]] = []
    gate = threading.Barrier(2)

    def run() -> None:
        with AnalyticsSystem(analytics.config) as other:
            gate.wait()
            outcomes.append(other.database_manager.run_migrations(folder))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, outcomes)) == [0, 5]


def test_drift_is_found(analytics: AnalyticsSystem, owner: psycopg.Connection[Any]) -> None:
    owner.execute("ALTER TABLE analytics.benchmarking_data ADD COLUMN surprise text")
    owner.execute("DROP INDEX analytics.idx_daily_metrics_device_breakdown_gin")
    drift = analytics.database_manager.find_drift()
    assert any(line.startswith("added: column") and "surprise" in line for line in drift)
    assert any(
        line.startswith("missing: index") and "device_breakdown_gin" in line for line in drift
    )
    assert len(drift) == 2


# -- what stands in it


def test_every_table_column_and_function_says_what_it_is(owner: psycopg.Connection[Any]) -> None:
    silent = first_column(
        owner,
        """
        SELECT format('%s.%s %s', n.nspname, c.relname, a.attname)
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (
            SELECT 0 AS attnum, '' AS attname
            UNION ALL
            SELECT t.attnum, t.attname FROM pg_attribute AS t
            WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
        ) AS a
        WHERE n.nspname IN ('analytics', 'internal') AND c.relkind IN ('r', 'p', 'm', 'v')
            AND NOT c.relispartition AND (c.relkind <> 'm' OR a.attnum = 0)
            AND coalesce(col_description(c.oid, a.attnum), obj_description(c.oid)) IS NULL
            OR n.nspname IN ('analytics', 'internal') AND c.relkind IN ('r', 'p')
            AND NOT c.relispartition AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL
        ORDER BY 1
        """,
    )
    assert silent == []


def test_the_indexes_of_the_request_are_there(owner: psycopg.Connection[Any]) -> None:
    names = first_column(owner, "SELECT indexname FROM pg_indexes WHERE schemaname = 'analytics'")
    assert {
        "idx_assessment_org_industry_size",
        "idx_recent_assessments_published",
        "idx_daily_metrics_device_breakdown_gin",
    } <= set(names)


# -- rights


def test_nothing_is_granted_to_everybody(owner: psycopg.Connection[Any]) -> None:
    open_to_all = first_column(
        owner,
        """
        SELECT format('%s.%s', n.nspname, c.relname)
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL aclexplode(c.relacl) AS a
        WHERE n.nspname IN ('analytics', 'internal') AND a.grantee = 0
        UNION ALL
        SELECT format('%s.%s()', n.nspname, p.proname)
        FROM pg_proc AS p
        INNER JOIN pg_namespace AS n ON n.oid = p.pronamespace
        CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE n.nspname IN ('analytics', 'internal') AND a.grantee = 0
        UNION ALL
        SELECT format('schema %s', n.nspname)
        FROM pg_namespace AS n
        CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
        WHERE n.nspname IN ('analytics', 'internal', 'public') AND a.grantee = 0
        """,
    )
    assert open_to_all == []


def try_as(analytics: AnalyticsSystem, role: str, statement: str) -> str | None:
    """Run a statement under a role's login and return the name of the error, if there was one."""
    try:
        with analytics.database.connection(cast(LoginRole, role)) as connection:
            connection.execute(statement.encode())
            connection.rollback()
    except PrivacyRefusal as refusal:
        return type(refusal).__name__
    return None


@pytest.mark.parametrize("table", RAW)
def test_a_reader_sees_released_tables_only(analytics: AnalyticsSystem, table: str) -> None:
    assert try_as(analytics, "reader", f"SELECT count(*) FROM {table}") == "PrivacyRefusal"
    for released in RELEASED:
        assert try_as(analytics, "reader", f"SELECT count(*) FROM {released}") is None


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM anonymized_assessments",
        "UPDATE ocean_trait_distributions SET mean = 0",
        "INSERT INTO predictive_analytics_results (model_name) VALUES ('x')",
        "TRUNCATE benchmarking_data",
        "CREATE TABLE analytics.mine (n integer)",
        "CREATE TABLE public.mine (n integer)",
        "CREATE TEMPORARY TABLE mine (n integer)",
        "SELECT count(*) FROM internal.batches",
        "SELECT count(*) FROM audit_log",
        "SET ROLE ioc_owner",
    ],
)
def test_the_login_of_queries_reads_and_nothing_else(
    analytics: AnalyticsSystem, statement: str
) -> None:
    assert try_as(analytics, "query", statement) == "PrivacyRefusal"


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        (
            "INSERT INTO predictive_analytics_results "
            "(model_name, model_version, prediction_target) VALUES ('a', 'b', 'c')",
            True,
        ),
        ("SELECT count(*) FROM predictive_analytics_results", True),
        ("DELETE FROM predictive_analytics_results", False),
        ("UPDATE predictive_analytics_results SET model_name = 'x'", False),
        ("DELETE FROM anonymized_assessments", False),
        ("INSERT INTO benchmarking_data DEFAULT VALUES", False),
    ],
)
def test_a_model_may_store_predictions_only(
    analytics: AnalyticsSystem, statement: str, is_allowed: bool
) -> None:
    assert (try_as(analytics, "ml", statement) is None) == is_allowed


def test_an_auditor_reads_the_log_and_no_records(analytics: AnalyticsSystem) -> None:
    assert try_as(analytics, "auditor", "SELECT count(*) FROM audit_log") is None
    for table in (*RAW, *RELEASED[:4], "internal.batches"):
        refused = try_as(analytics, "auditor", f"SELECT count(*) FROM {table}")
        assert refused == "PrivacyRefusal", table


@pytest.mark.parametrize("role", ["owner", "ingest"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
def test_the_audit_log_is_only_added_to(
    analytics: AnalyticsSystem, role: str, statement: str
) -> None:
    analytics.query("SELECT 1 AS one")
    assert try_as(analytics, role, statement) == "PrivacyRefusal"
    with analytics.database.connection("auditor") as connection:
        assert first_column(connection, "SELECT action FROM audit_log") == ["query"]


# -- partitions


def partitions(connection: psycopg.Connection[Any]) -> set[str]:
    return {
        name.removeprefix("anonymized_assessment_responses_")
        for name in first_column(
            connection,
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent ="
            " 'analytics.anonymized_assessment_responses'::regclass",
        )
    }


def test_recent_months_and_old_years_have_one_partition_each(analytics: AnalyticsSystem) -> None:
    today = datetime.now(UTC).date()
    recent = (today - timedelta(days=60)).replace(day=1)
    with analytics.database.connection("ingest") as connection:
        days = [date(2012, 2, 3), date(2012, 11, 30), date(1999, 1, 1), recent]
        periods = missing_partitions(connection, days, 90)
        assert periods == [
            ("1999", date(1999, 1, 1), date(2000, 1, 1)),
            ("2012", date(2012, 1, 1), date(2013, 1, 1)),
            (f"{recent:%Y_%m}", recent, (recent + timedelta(days=31)).replace(day=1)),
        ]
        before = partitions(connection)
        assert make_partitions(connection, days, 90) == 3
        assert partitions(connection) - before == {"1999", "2012", f"{recent:%Y_%m}"}
        assert missing_partitions(connection, days, 90) == []
        assert make_partitions(connection, days, 90) == 0


def test_all_partitioned_tables_have_the_same_bounds(
    analytics: AnalyticsSystem, owner: psycopg.Connection[Any]
) -> None:
    with analytics.database.connection("ingest") as connection:
        make_partitions(connection, [date(2013, 5, 5)], 90)
    bounds: dict[str, set[str]] = {}
    for parent, bound in owner.execute(
        "SELECT inhparent::regclass::text, pg_get_expr(c.relpartbound, c.oid)"
        " FROM pg_inherits INNER JOIN pg_class AS c ON c.oid = inhrelid WHERE c.relkind = 'r'"
    ):
        bounds.setdefault(parent, set()).add(bound)
    assert len(bounds) == 5
    assert len({frozenset(found) for found in bounds.values()}) == 1


def test_the_runway_counts_the_months_ahead(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("ingest") as connection:
        runway = read_runway(connection)
        assert runway == 2
        today = datetime.now(UTC).date().replace(day=1)
        ahead = (today + timedelta(days=32 * (runway + 1))).replace(day=1)
        make_partitions(connection, [ahead], 90)
        assert read_runway(connection) == runway + 1
    assert analytics.get_system_status().database.partition_runway_months == runway + 1


def test_a_batch_makes_at_most_24_partitions_and_puts_the_rest_aside(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    folder = tmp_path / "centuries"
    folder.mkdir()
    (folder / "assessments.csv").write_text(
        "assessment_id,organization_id,created_at\na,o,1990-01-01\n"
    )
    years = range(1990, 2020)
    (folder / "responses.csv").write_text(
        "response_id,assessment_id,started_at\n"
        + "".join(f"r{year},a,{year}-06-01T10:00:00Z\n" for year in years)
    )
    receipt = analytics.ingest_files(folder)
    assert receipt.quarantine == {"too_many_partitions": len(years) - 24}
    assert receipt.by_kind["responses"].accepted == 24
    shutil.rmtree(folder)
