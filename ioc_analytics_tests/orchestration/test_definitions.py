"""What Dagster shows: the list of everything, loadable with nothing around it."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.orchestration.assets.views import SOURCES
from ioc_analytics.orchestration.build import build_defs
from ioc_analytics.orchestration.partitions import DAYS, MONTHS
from ioc_analytics.orchestration.schedules import build_schedules
from ioc_analytics.records.quality import CHECKS as QUALITY_CHECKS
from ioc_analytics_tests.fixtures.processes import CHECKOUT

GROUPS = {
    "anonymized": {
        "anonymized_assessments",
        "anonymized_assessment_responses",
        "anonymized_question_responses",
        "anonymized_assessment_scores",
    },
    "distributions": {"ocean_trait_distributions"},
    "metrics": {"daily_assessment_metrics"},
    "benchmarks": {"benchmarking_data"},
    "validation": {"dual_ai_validation_metrics"},
    "reports": {"weekly_report", "monthly_report"},
    "operations": {
        "backups",
        "retention",
        "archives",
        "processing_jobs",
        "audit_log",
        "table_versions",
        "system_health_metrics",
        "data_quality_metrics",
    },
    "norms": {"norm_versions"},
    "predictions": {"prediction_scores", "predictive_analytics_results"},
    "views": {
        "mv_daily_assessment_overview",
        "mv_weekly_response_metrics",
        "mv_monthly_ocean_distributions",
        "mv_industry_benchmarks",
        "mv_system_performance_dashboard",
    },
}


def resolved(schedule: object) -> dg.ScheduleDefinition:
    """Return a schedule of the definitions as what it is."""
    assert isinstance(schedule, dg.ScheduleDefinition)
    return schedule


CHECKS = {
    ("anonymized_assessment_responses", "newest_batch_accounted"),
    ("anonymized_question_responses", "no_duplicates_no_orphans"),
    ("ocean_trait_distributions", "released_month_equals_rows"),
    ("ocean_trait_distributions", "nothing_small_released"),
    ("dual_ai_validation_metrics", "raters_keep_their_ways"),
}


def test_assets_stand_in_their_groups_with_descriptions_and_owners() -> None:
    groups: dict[str, set[str]] = {}
    for spec in build_defs().resolve_all_asset_specs():
        groups.setdefault(str(spec.group_name), set()).add(spec.key.to_user_string())
        assert spec.description
        assert spec.owners
        assert "postgres" in spec.kinds
    assert groups == GROUPS


def test_every_table_and_view_of_the_schema_is_an_asset() -> None:
    schema = sqlfiles.read_text("schema.sql")
    tables = re.findall(r"CREATE (?:TABLE|MATERIALIZED VIEW) analytics\.(\w+)", schema)
    graph = build_defs().resolve_asset_graph()
    assert len(tables) >= 17
    assert {dg.AssetKey(name) for name in tables} <= graph.get_all_asset_keys()
    external = {key.to_user_string() for key in graph.external_asset_keys}
    assert external == {"processing_jobs", "audit_log", "table_versions"}


def test_checks_jobs_sensors_and_schedules_are_these() -> None:
    definitions = build_defs()
    graph = definitions.resolve_asset_graph()
    assert {(k.asset_key.to_user_string(), k.name) for k in graph.asset_check_keys} == CHECKS | {
        ("data_quality_metrics", name) for name in QUALITY_CHECKS
    }
    assert {job.name for job in definitions.jobs or ()} == {
        "ingest",
        "refresh",
        "rebuild",
        "rebuild_days",
        "refresh_views",
        "backup",
        "restore_drill",
        "measure_health",
        "evaluate_quality",
        "predict",
        "make_norms",
        "maintain",
        "retention",
        "forget_runs",
        "export",
        "report",
        "weekly_report",
        "monthly_report",
    }
    sensors = {sensor.name: sensor.default_status for sensor in definitions.sensors or ()}
    running = dg.DefaultSensorStatus.RUNNING
    names = ("inbox", "touched_months", "watch", "failed_runs", "failed_checks", "dead_runs")
    assert sensors == dict.fromkeys(names, running)
    on = dg.DefaultScheduleStatus.RUNNING
    schedules = {one.name: one for one in map(resolved, definitions.schedules or ())}
    assert {name: (one.cron_schedule, one.default_status) for name, one in schedules.items()} == {
        "backup_schedule": ("0 2 * * *", on),
        "restore_drill_schedule": ("0 7 * * 0", on),
        "measure_health_schedule": ("20 * * * *", on),
        "evaluate_quality_schedule": ("0 5 * * *", on),
        "refresh_views_schedule": ("10 * * * *", on),
        "predict_schedule": ("30 5 * * *", on),
        "maintain_schedule": ("30 3 * * *", on),
        "retention_schedule": ("0 4 * * *", on),
        "forget_runs_schedule": ("45 4 * * *", on),
        "weekly_report_schedule": ("0 6 * * 1", on),
        "monthly_report_schedule": ("30 6 1 * *", on),
    }


POOLS = {
    "anonymized_tables": "ingest",
    "released_tables": "states",
    "daily_tables": "states",
    "materialized_views": "views",
    "data_quality_metrics": "states",
    "system_health_metrics": "health",
    "backups": "backups",
    "prediction_scores": "predictions",
    "predictive_analytics_results": "predictions",
    "write_weekly_report": "reports",
    "write_monthly_report": "reports",
    "drill_backup": "backups",
    "perform_maintenance": "states",
    "end_expired": "ingest",
    "publish_norms": "ingest",
    "forget_old_runs": "instance",
    "write_report": "reports",
    "export_rows": "exports",
    **{f"{asset}_{name}": "checks" for asset, name in CHECKS},
}


def test_every_step_has_its_pool() -> None:
    definitions = build_defs()
    jobs = [definitions.resolve_job_def(job.name) for job in definitions.jobs or ()]
    pools = {node.name: node.definition.pools for job in jobs for node in job.nodes}
    assert pools == {step: {pool} for step, pool in POOLS.items()}


def test_what_makes_reads_or_ends_backups_runs_alone(tmp_path: Path) -> None:
    definitions = build_defs()
    alone = {
        job.name
        for job in definitions.jobs or ()
        if definitions.resolve_job_def(job.name).tags.get("ioc/alone") == "backups"
    }
    assert alone == {"backup", "restore_drill", "retention"}
    (tmp_path / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        settings = instance.get_concurrency_config().run_queue_config
    assert settings is not None
    assert settings.tag_concurrency_limits == [
        {"key": "ioc/alone", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    ]


def test_other_pipelines_find_the_platforms_resources() -> None:
    assert set(build_defs().resources or {}) == {"analytics", "postgres_io_manager"}


def test_settings_move_schedules_and_leave_them_out() -> None:
    config = AnalyticsConfig.load(
        {}, enable_backups=False, schedules={"views": "0 * * * *", "monthly_report": "off"}
    )
    schedules = {one.name: one.cron_schedule for one in map(resolved, build_schedules(config))}
    assert schedules == {
        "measure_health_schedule": "20 * * * *",
        "evaluate_quality_schedule": "0 5 * * *",
        "refresh_views_schedule": "0 * * * *",
        "predict_schedule": "30 5 * * *",
        "maintain_schedule": "30 3 * * *",
        "retention_schedule": "0 4 * * *",
        "forget_runs_schedule": "45 4 * * *",
        "weekly_report_schedule": "0 6 * * 1",
    }


def test_of_missed_ticks_only_the_newest_runs() -> None:
    backup = resolved(build_schedules(AnalyticsConfig.load({}))[0])
    now = utc_now()
    due = now.replace(hour=2, minute=0, second=0, microsecond=0)
    due = due if due <= now else due - timedelta(days=1)

    with dg.build_schedule_context(scheduled_execution_time=due) as context:
        (request,) = backup.evaluate_tick(context).run_requests or ()
    assert request.run_key == f"backup {due:%Y-%m-%dT%H:%M}Z"
    with dg.build_schedule_context(scheduled_execution_time=due - timedelta(days=1)) as context:
        missed = backup.evaluate_tick(context)
    assert not missed.run_requests
    assert "a later tick is due already" in (missed.skip_message or "")


@pytest.mark.parametrize(
    ("table", "first"),
    [
        ("ocean_trait_distributions", MONTHS),
        ("benchmarking_data", MONTHS),
        ("daily_assessment_metrics", DAYS),
        ("dual_ai_validation_metrics", DAYS),
    ],
)
def test_a_range_of_months_or_days_is_one_run(table: str, first: dg.PartitionsDefinition) -> None:
    node = build_defs().resolve_asset_graph().get(dg.AssetKey(table))
    assert node.partitions_def == first
    assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_a_record_of_before_the_first_partition_has_none() -> None:
    for partitions, before in ((MONTHS, "1989-12-01"), (DAYS, "1989-12-31")):
        assert not partitions.has_partition_key(before)
        assert partitions.get_first_partition_key() == "1990-01-01"


def test_views_come_after_what_they_are_made_from() -> None:
    graph = build_defs().resolve_asset_graph()
    view = graph.get(dg.AssetKey("mv_monthly_ocean_distributions"))
    assert view.parent_keys == {dg.AssetKey("ocean_trait_distributions")}


@pytest.mark.parametrize("view", sorted(SOURCES))
def test_a_view_comes_from_the_table_that_its_statement_reads(view: str) -> None:
    node = build_defs().resolve_asset_graph().get(dg.AssetKey(view))
    text = (sqlfiles.sql_root() / "views" / f"{view}.sql").read_text()
    read = set(re.findall(r"(?:FROM|JOIN) analytics\.(\w+)", text))
    assert {key.to_user_string() for key in node.parent_keys} == read


def test_definitions_load_with_no_database_and_no_environment(tmp_path: Path) -> None:
    program = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import dagster as dg\n"
        "from ioc_analytics.orchestration.build import build_defs\n"
        "dg.Definitions.validate_loadable(build_defs())\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert not list(tmp_path.iterdir())


def test_definitions_load_without_what_only_runs_need() -> None:
    program = (
        "import sys\n"
        "from ioc_analytics.orchestration.build import build_defs\n"
        "build_defs()\n"
        "heavy = {'pandas', 'pyarrow', 'scipy', 'altair', 'vl_convert', 'numpy', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.strip() == "[]"


def test_the_workspace_of_the_checkout_is_valid(tmp_path: Path) -> None:
    command = ["-m", "dagster", "definitions", "validate", "-w", str(CHECKOUT / "workspace.yaml")]
    finished = subprocess.run(
        [sys.executable, *command],
        env={"PATH": "/usr/bin:/bin", "DAGSTER_HOME": str(tmp_path), "PYTHONPATH": str(CHECKOUT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


def test_checkout_and_deployment_name_the_location_alike() -> None:
    def location(path: str) -> str:
        (loaded,) = yaml.safe_load((CHECKOUT / path).read_text())["load_from"]
        return str(next(iter(loaded.values()))["location_name"])

    assert location("workspace.yaml") == location("deploy/workspace.yaml") == "ioc_analytics"
