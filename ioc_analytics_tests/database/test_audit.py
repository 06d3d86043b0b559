"""The audit log knows every verb: who saw exact figures, who changed what is stored."""

import inspect
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from ioc_analytics import AnalyticsSystem
from ioc_analytics.kernel.errors import AnalyticsError
from ioc_analytics.system.database_manager import DatabaseManager
from ioc_analytics.system.query_interface import QueryInterface
from ioc_analytics_tests.database.survey import START, make_survey
from ioc_analytics_tests.fixtures.batches import answers, assessment, response, write_batch

PLATFORM: Final = frozenset(
    [
        "check_for_alerts",
        "check_integrity",
        "check_storage",
        "evaluate_quality",
        "get_scaling_recommendations",
        "get_system_metrics",
        "get_system_status",
        "health_check",
        "keep_measurements",
        "list_alerts",
        "list_backups",
        "list_holds",
        "list_norms",
        "list_retention_plans",
        "measure_health",
        "openmetrics",
        "quality_history",
        "replay_alerts",
        "count_days",
        "count_months",
        "show_courses",
        "count_rows",
        "touched_months",
        "newest_marks",
        "ripe_months",
        "broken_promises",
        "review_recommendations",
        "get_performance_metrics",
        "dump_schema",
        "find_drift",
        "foresee_migrations",
        "get_migration_history",
        "plan_migrations",
    ]
)
"""Verbs that show or keep figures of the platform itself, none of people."""

OTHERS: Final = {
    "initialize": "as run_migrations; a new database has its history instead",
    "close": "shows nothing",
    "demand_analyst": "shows nothing",
    "pseudonym": "computes with the key alone, without what is stored",
    "show_released": "shows released figures, as a reader sees them",
    "apply_retention": "test_retention: an entry for each partition that goes",
    "prune_backups": "test_retention: an entry for each backup that goes",
    "restore_backup": "test_backups: in the log of the restored database",
    "end_log_archive": "here, under a test of its own",
    "upgrade_server": "test_upgrade",
}
"""Verbs that leave no entry, or one that is looked for where the verb is tested."""

DAY = date(2024, 3, 5)
BATCH = {
    "assessments": [assessment()],
    "responses": [response("r")],
    "question_responses": answers("r")[:-1] + answers("nobody")[:1],
}

Call = Callable[[AnalyticsSystem, Path], Any]

ANSWERS: Final[dict[str, Call]] = {
    "analyze_ai_validation": lambda s, _: s.analyze_ai_validation(),
    "analyze_careless": lambda s, _: s.analyze_careless(),
    "flag_careless": lambda s, _: s.flag_careless(),
    "analyze_item_functioning": lambda s, _: s.analyze_item_functioning(
        "gender", "ipip-neo-60", "female", "male"
    ),
    "analyze_metric": lambda s, _: s.analyze_metric("completion_rate"),
    "analyze_trends": lambda s, _: s.analyze_trends("response_volume"),
    "assess_risks": lambda s, _: s.assess_risks(),
    "compare_groups": lambda s, _: s.compare_groups("gender"),
    "find_outliers": lambda s, _: s.find_outliers(),
    "forecast": lambda s, _: s.forecast("response_volume", 3),
    "generate_report": lambda s, _: s.generate_report({"sections": ["metrics"], "format": "json"}),
    "get_benchmarks": lambda s, _: s.get_benchmarks("acme"),
    "get_ocean_analysis": lambda s, _: s.get_ocean_analysis({"org_hash": "acme"}),
    "list_quarantine": lambda s, _: s.list_quarantine(),
    "make_predictions": lambda s, _: s.make_predictions(),
    "norm_percentile": lambda s, _: s.norm_percentile("ipip-neo-60", "openness", 50.0),
    "ocean_over_time": lambda s, _: s.ocean_over_time(),
    "plan_resources": lambda s, _: s.plan_resources(),
    "predict_completion": lambda s, _: s.predict_completion(),
    "show_quarantine": lambda s, _: s.show_quarantine(1),
}
"""Exact figures, and records: noted before they are shown, also where it ends in an error."""

DEEDS: Final[dict[str, Call]] = {
    "ingest_files": lambda s, folder: s.ingest_files(write_batch(folder / "batch", BATCH)),
    "ingest_data": lambda s, _: s.ingest_data(make_survey(s.config, 100, days=30)),
    "retry_quarantine": lambda s, _: s.retry_quarantine(),
    "query": lambda s, _: s.query("SELECT 1 AS one"),
    "stream": lambda s, _: list(s.stream("SELECT 1 AS one")),
    "export_data": lambda s, _: s.export_data("SELECT 1 AS one"),
    "execute_aggregation_query": lambda s, _: s.execute_aggregation_query(
        "anonymized_assessments", {"group_by": ["industry_category"]}
    ),
    "training_frame": lambda s, _: s.training_frame("completion", START + timedelta(days=20)),
    "export_training": lambda s, _: s.export_training("completion", START + timedelta(days=20)),
    "store_prediction_results": lambda s, _: s.store_prediction_results(
        [{"model_name": "m", "model_version": "1", "prediction_target": "t"}]
    ),
    "score_predictions": lambda s, _: s.score_predictions(),
    "create_norms": lambda s, _: s.create_norms("v1", minimum_n=10),
    "apply_norms": lambda s, _: s.apply_norms("v1"),
    "refresh": lambda s, _: s.refresh([DAY], with_views=False),
    "rebuild": lambda s, _: s.rebuild([DAY], with_views=False),
    "rebuild_days": lambda s, _: s.rebuild_days([DAY], with_views=False),
    "refresh_views": lambda s, _: s.refresh_views(),
    "seal_month": lambda s, _: s.seal_month(date(2023, 5, 1)),
    "undo_batch": lambda s, _: s.undo_batch(1),
    "acknowledge_alert": lambda s, _: s.acknowledge_alert(raise_alert(s)),
    "silence_alerts": lambda s, _: s.silence_alerts("all", 1, "a test"),
    "plan_retention": lambda s, _: s.plan_retention(),
    "hold_retention": lambda s, _: s.hold_retention("a test", tier="logs"),
    "release_retention": lambda s, _: s.release_retention(s.list_holds()[0].id),
    "create_backup": lambda s, _: s.create_backup(),
    "verify_backup": lambda s, _: s.verify_backup(),
    "drill_backup": lambda s, _: s.drill_backup(),
    "perform_maintenance": lambda s, _: s.perform_maintenance(dry_run=True),
    "run_migrations": lambda s, folder: s.database_manager.run_migrations(own_sql(folder)),
}
"""What changes something, takes records out, or looks after them."""

SAME: Final = {
    "execute_query": "query",
    "get_ocean_trait_analysis": "get_ocean_analysis",
    "get_performance_benchmarks": "get_benchmarks",
}
"""Names of the seed for verbs of the facade; the others have the same name."""


def raise_alert(system: AnalyticsSystem) -> int:
    with system.database.connection("ingest") as connection:
        row = connection.execute(
            "INSERT INTO internal.alerts"
            " (rule, severity, summary, value, threshold, unit, runbook, started_at)"
            " VALUES ('jobs_fail', 'error', 'a test', 1, 0, 'jobs', 'jobs_fail', now())"
            " RETURNING id"
        ).fetchone()
    assert row is not None
    return int(row[0])


def own_sql(folder: Path) -> Path:
    own = folder / "own"
    own.mkdir()
    (own / "1.sql").write_text("CREATE TABLE own_things (id bigint);\n")
    return own


def verbs(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


def test_every_verb_is_looked_at_here() -> None:
    known = [set(PLATFORM), set(OTHERS), set(ANSWERS), set(DEEDS)]
    assert sum(map(len, known)) == len(set().union(*known)), "a verb stands in two places"
    facade = verbs(AnalyticsSystem)
    twins = verbs(QueryInterface) | verbs(DatabaseManager)
    assert facade | {SAME.get(name, name) for name in twins} == set().union(*known)


def entries(system: AnalyticsSystem) -> list[tuple[str, str]]:
    with system.database.connection("auditor") as connection:
        return connection.execute(
            "SELECT action, object FROM audit_log ORDER BY sequence"
        ).fetchall()


def test_every_verb_leaves_an_entry(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    config = analytics.config.replace(
        backup={"folder": tmp_path / "backups"},
        exports={"path": tmp_path / "exports"},
        reports={"path": tmp_path / "reports"},
    )
    silent = []
    with AnalyticsSystem(config) as system:
        for name, call in {**DEEDS, **ANSWERS}.items():
            before = len(entries(system))
            # An answer may need more data than there are here: it is noted all the same.
            with suppress(AnalyticsError) if name in ANSWERS else nullcontext():
                call(system, tmp_path)
            actions = [action for action, _ in entries(system)[before:]]
            if not actions or (name in ANSWERS and "answer" not in actions):
                silent.append(name)
        assert silent == []
        with system.database.connection("auditor") as connection:
            log = str(connection.execute("SELECT l::text FROM audit_log AS l").fetchall())
    assert "acme" not in log


def test_ending_the_log_archive_is_noted(analytics: AnalyticsSystem) -> None:
    analytics.end_log_archive()
    assert entries(analytics) == [("end_log_archive", "embedded server")]
