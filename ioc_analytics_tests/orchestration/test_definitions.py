"""What Dagster shows: the list of everything, loadable with nothing around it."""

import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.orchestration.assets.views import SOURCES
from ioc_analytics.orchestration.build import build_defs
from ioc_analytics_tests.fixtures.processes import CHECKOUT

GROUPS = {
    "anonymized": {
        "anonymized_assessments",
        "anonymized_assessment_responses",
        "anonymized_question_responses",
        "anonymized_assessment_scores",
    },
    "distributions": {"ocean_trait_distributions"},
    "views": {
        "daily_assessment_metrics",
        "benchmarking_data",
        "system_health_metrics",
        "mv_daily_assessment_overview",
        "mv_weekly_response_metrics",
        "mv_monthly_ocean_distributions",
        "mv_industry_benchmarks",
        "mv_system_performance_dashboard",
    },
}
CHECKS = {
    ("anonymized_assessment_responses", "newest_batch_accounted"),
    ("anonymized_question_responses", "no_duplicates_no_orphans"),
    ("ocean_trait_distributions", "released_month_equals_rows"),
    ("ocean_trait_distributions", "nothing_small_released"),
}


def test_assets_stand_in_their_groups_with_descriptions_and_owners() -> None:
    groups: dict[str, set[str]] = {}
    for spec in build_defs().resolve_all_asset_specs():
        groups.setdefault(str(spec.group_name), set()).add(spec.key.to_user_string())
        assert spec.description
        assert spec.owners
        assert "postgres" in spec.kinds
    assert groups == GROUPS


def test_checks_jobs_sensors_and_schedules_are_these() -> None:
    definitions = build_defs()
    graph = definitions.resolve_asset_graph()
    assert {(k.asset_key.to_user_string(), k.name) for k in graph.asset_check_keys} == CHECKS
    assert {job.name for job in definitions.jobs or ()} == {"ingest", "refresh"}
    sensors = {sensor.name: sensor.default_status for sensor in definitions.sensors or ()}
    running = dg.DefaultSensorStatus.RUNNING
    assert sensors == {"inbox": running, "touched_months": running, "watch": running}
    assert not list(definitions.schedules or ())


def test_a_range_of_months_is_one_run() -> None:
    graph = build_defs().resolve_asset_graph()
    policy = graph.get(dg.AssetKey("ocean_trait_distributions")).backfill_policy
    assert policy == dg.BackfillPolicy.single_run()


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
    is_filled = read <= {"ocean_trait_distributions", "benchmarking_data"}
    assert is_filled != ("nothing fills" in (node.description or ""))


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
