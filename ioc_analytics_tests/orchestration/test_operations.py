"""Backups, health, exports and the views, run by Dagster on a real database."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.quality import CHECKS
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.database.survey import make_survey
from ioc_analytics_tests.database.test_retention import UP_FOR_DAYS


@pytest.fixture
def analytics(platform_config: AnalyticsConfig, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    """A system whose backups and exports lie in folders of this test's own."""
    config = platform_config.replace(
        backup={"folder": tmp_path / "backups"},
        exports={"path": tmp_path / "exports"},
        reports={"path": tmp_path / "reports"},
        retention={"archive": tmp_path / "archives"},
    )
    with AnalyticsSystem(config) as system:
        yield system


def run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, **ops: dict[str, Any]
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(job).execute_in_process(
        run_config={"ops": {name: {"config": config} for name, config in ops.items()}},
        instance=instance,
        raise_on_error=False,
    )


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_a_backup_is_drilled_before_its_run_ends(
    definitions: dg.Definitions, instance: dg.DagsterInstance, analytics: AnalyticsSystem
) -> None:
    done = run(definitions, instance, "backup")
    assert done.success
    shown = metadata_of(done)
    (backup,) = analytics.list_backups()
    assert (backup.id, backup.state) == (shown["backup"], "drilled")
    assert shown["restore_seconds"] > 0
    assert shown["tables"] == len(backup.fingerprints) > 20
    assert run(
        definitions, instance, "restore_drill", drill_backup={"backup_id": backup.id}
    ).success


def test_a_drill_of_a_backup_that_is_not_there_fails_with_its_reason(
    definitions: dg.Definitions, instance: dg.DagsterInstance, analytics: AnalyticsSystem
) -> None:
    analytics.create_backup()
    done = run(definitions, instance, "restore_drill", drill_backup={"backup_id": "no-such-backup"})
    assert not done.success
    (failed,) = [event for event in done.all_events if event.is_step_failure]
    failure = failed.step_failure_data.user_failure_data
    assert failure is not None
    assert "no-such-backup" in (failure.description or "")


def test_a_run_of_backup_may_name_its_method(
    definitions: dg.Definitions, instance: dg.DagsterInstance, analytics: AnalyticsSystem
) -> None:
    made = run(definitions, instance, "backup", backups={"method": "dump", "drill": False})
    assert metadata_of(made)["method"] == "dump"
    done = run(definitions, instance, "backup", backups={"method": "pgbackrest"})
    (failed,) = [event for event in done.all_events if event.is_step_failure]
    failure = failed.step_failure_data.user_failure_data
    assert failure is not None
    assert "ANALYTICS_PGBACKREST_STANZA" in (failure.description or "")


def test_health_is_measured_and_shown(
    definitions: dg.Definitions, instance: dg.DagsterInstance, analytics: AnalyticsSystem
) -> None:
    done = run(definitions, instance, "measure_health")
    assert done.success
    shown = metadata_of(done)
    stored = analytics.query("SELECT count(*) AS n FROM system_health_metrics").data
    assert stored == [{"n": shown["figures"]}]
    assert shown["course"].endswith("figures out of order by measurement")
    parts = {record.data["part"] for record in shown["checks"].records}
    assert {"database", "backups", "storage"} <= parts


def test_an_evaluation_of_quality_shows_every_check(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    batch: Path,
) -> None:
    analytics.ingest_files(batch)
    analytics.refresh()
    with analytics.database.connection("owner") as connection:
        connection.execute(
            "UPDATE analytics.anonymized_assessment_responses SET time_spent_seconds = -1"
        )
    done = run(definitions, instance, "evaluate_quality")
    assert done.success, "a check that fails does not fail the run"
    failed = {one.check_name: one for one in done.get_asset_check_evaluations() if not one.passed}
    assert "values_in_range" in failed
    assert failed["values_in_range"].severity == dg.AssetCheckSeverity.ERROR
    names = [one.check_name for one in done.get_asset_check_evaluations()]
    assert sorted(names) == sorted([*CHECKS, "raters_keep_their_ways"])
    assert metadata_of(done)["score"] == analytics.get_system_status().database.data_quality_score


def test_views_are_refreshed_alone(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    done = run(definitions, instance, "refresh_views")
    assert done.success
    assert len(done.get_asset_materialization_events()) == 5


def test_an_export_lies_in_its_folder_afterwards(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
) -> None:
    done = run(
        definitions, instance, "export", export_rows={"sql": "SELECT 1 AS one", "format": "jsonl"}
    )
    assert done.success
    (written,) = [
        path for path in Path(analytics.config.exports.path).iterdir() if path.suffix == ".jsonl"
    ]
    assert written.read_text().strip() == '{"one":1}'


def test_predictions_are_scored_then_made(
    definitions: dg.Definitions, instance: dg.DagsterInstance, analytics: AnalyticsSystem
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 500, days=50))
    done = run(definitions, instance, "predict")
    assert done.success
    shown: dict[str, dict[str, Any]] = {
        event.materialization.asset_key.to_user_string(): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in done.get_asset_materialization_events()
    }
    assert list(shown) == ["prediction_scores", "predictive_analytics_results"]
    assert shown["prediction_scores"]["scored"] == 0
    made = shown["predictive_analytics_results"]
    kept = analytics.query("SELECT count(*) AS n FROM predictive_analytics_results").data
    assert made["predictions"] == kept[0]["n"] >= 14
    withheld = {record.data["figure"]: record.data["reason"] for record in made["withheld"].records}
    assert "found" in withheld["completion"]
    assert made["course"].endswith("predictions by day of issue")
    assert "forecast of response_volume" in {r.data["about"] for r in made["made"].records}


def test_a_norm_version_is_made_by_hand_and_never_changes(
    definitions: dg.Definitions, instance: dg.DagsterInstance, analytics: AnalyticsSystem
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 500, days=50))
    asked = {"version": "2024", "start": "2024-01-01", "end": "2026-01-01", "apply": True}
    done = run(definitions, instance, "make_norms", publish_norms=asked | {"minimum_n": 50})
    assert done.success
    shown = metadata_of(done)
    (version,) = analytics.list_norms()
    assert (version.version, version.minimum_n, version.is_current) == ("2024", 50, True)
    assert shown["groups"] == version.groups > 0
    assert shown["scores_changed"] > 0
    assert [row.data["version"] for row in shown["versions"].records] == ["2024"]
    assert not run(definitions, instance, "make_norms", publish_norms=asked).success
    assert analytics.list_norms() == (version,)


def test_a_rater_that_leaves_its_ways_is_warned_of(
    definitions: dg.Definitions, instance: dg.DagsterInstance, analytics: AnalyticsSystem
) -> None:
    def look() -> dg.AssetCheckEvaluation:
        done = run(definitions, instance, "evaluate_quality")
        assert done.success, "it blocks nothing"
        evaluations = done.get_asset_check_evaluations()
        (found,) = [one for one in evaluations if one.check_name == "raters_keep_their_ways"]
        return found

    nothing = look()
    assert nothing.passed and "not judged" in (nothing.description or "")
    analytics.ingest_data(make_survey(analytics.config, 1500, days=84))
    assert look().passed
    with analytics.database.connection("owner") as connection:
        connection.execute(
            "UPDATE internal.ai_validations SET primary_score = greatest(primary_score - 20, 0)"
            " WHERE dimension = 'openness' AND created_at >="
            " (SELECT max(created_at) - INTERVAL '14 days' FROM internal.ai_validations)"
        )
    found = look()
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    sample = found.metadata["sample"].value.records  # type: ignore[union-attr]
    assert {record.data["dimension"] for record in sample} == {"openness"}


def test_retention_plans_by_the_clock_and_applies_only_when_it_may(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    batch: Path,
) -> None:
    analytics.ingest_files(batch)
    analytics.refresh()
    with analytics.database.connection("owner") as connection:
        connection.execute("UPDATE internal.batches SET loaded_at = '2025-03-01'")
        connection.execute(UP_FOR_DAYS)
    looked = run(definitions, instance, "retention")
    assert looked.success
    shown = metadata_of(looked)
    assert shown["note"] == "ANALYTICS_RETENTION_APPLY is off"
    assert {"tier", "what", "how", "items"} <= shown["expired"].records[0].data.keys()
    (planned,) = analytics.list_retention_plans()
    assert (planned.status, planned.plan.raw_rows > 0) == ("planned", True)
    refused = run(definitions, instance, "retention", end_expired={"apply": True})
    assert not refused.success, "no drilled backup"
    backup = analytics.create_backup()
    analytics.drill_backup(backup.id)
    done = run(definitions, instance, "retention", end_expired={"apply": True})
    assert done.success
    shown_by_asset: list[dict[str, Any]] = [
        {name: value.value for name, value in event.materialization.metadata.items()}
        for event in done.get_asset_materialization_events()
    ]
    gone, kept = shown_by_asset
    assert gone["sealed"] == ["2025-01", "2025-02"]
    assert gone["covered_by"] == backup.id
    assert (kept["plan"], kept["rows"]) == (gone["plan"], planned.plan.raw_rows)
    assert kept["size_bytes"] > 10_000
    assert analytics.query("SELECT count(*) AS n FROM anonymized_assessment_responses").data == [
        {"n": 0}
    ]


@pytest.fixture
def filled(analytics: AnalyticsSystem, tmp_path: Path) -> AnalyticsSystem:
    """The system with a week in March 2025 and the month around it."""
    generate_files(tmp_path / "march", responses=300, start=date(2025, 3, 1), days=31)
    analytics.ingest_files(tmp_path / "march")
    analytics.refresh()
    return analytics


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("weekly_report", "2025-03-17T00:00:00+00:00 to 2025-03-24T00:00:00+00:00"),
        ("monthly_report", "2025-02-01T00:00:00+00:00 to 2025-03-01T00:00:00+00:00"),
    ],
)
def test_the_report_of_a_period_is_an_asset_with_a_link_and_a_chart(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    filled: AnalyticsSystem,
    name: str,
    period: str,
) -> None:
    done = run(definitions, instance, name, **{f"write_{name}": {"before": "2025-03-26"}})
    assert done.success
    if name == "monthly_report":
        # February has no data: no report, and no failure.
        assert not done.get_asset_materialization_events()
        assert not list(filled.config.reports.path.glob("*"))
        return
    shown = metadata_of(done)
    assert shown["period"] == period
    (file,) = filled.config.reports.path.iterdir()
    assert shown["report"] == str(file)
    assert "data:image/svg+xml;base64," in shown["chart"]


def test_the_weekly_report_judges_its_week_beside_the_year(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 4000, days=364))
    options = {"before": "2024-12-11", "format": "json"}
    assert run(definitions, instance, "weekly_report", write_weekly_report=options).success
    (file,) = analytics.config.reports.path.iterdir()
    sections = json.loads(file.read_text("utf-8"))["sections"]
    found = {section["name"]: section["figures"] for section in sections}
    assert found["trends"]["response_volume"]["trend"] != "undetermined"
    assert min(found["ai_validation"]["judged_weeks"].values()) > 0


def test_a_report_on_what_a_person_fills_in(
    definitions: dg.Definitions, instance: dg.DagsterInstance, filled: AnalyticsSystem
) -> None:
    config = {
        "title": "March",
        "sections": ["distributions"],
        "start": "2025-03-01",
        "end": "2025-04-01",
        "filters": {"gender": "female"},
        "format": "markdown",
    }
    assert run(definitions, instance, "report", write_report=config).success
    (file,) = filled.config.reports.path.iterdir()
    text = file.read_text()
    assert text.startswith("# March") and "gender is female" in text


def test_maintenance_can_be_tried_out(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assert run(definitions, instance, "maintain", perform_maintenance={"dry_run": True}).success


def test_several_files_are_taken_in_by_one_run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    tmp_path: Path,
) -> None:
    paths = []
    for at in (1, 2):
        folder = tmp_path / f"batch{at}"
        generate_files(folder, responses=20, seed=at, start=date(2025, at, 1), days=5)
        paths.append(str(folder))
    assert run(definitions, instance, "ingest", anonymized_tables={"paths": paths}).success
    assert [f"{month:%Y-%m}" for month in analytics.touched_months()] == ["2025-01", "2025-02"]
    by_range = {
        "dagster/asset_partition_range_start": "2025-01-01",
        "dagster/asset_partition_range_end": "2025-02-01",
    }
    rebuilt = definitions.resolve_job_def("rebuild").execute_in_process(
        instance=instance, tags=by_range
    )
    assert rebuilt.success
    assert analytics.touched_months() == []
