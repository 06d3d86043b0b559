"""From a file to released figures, through Dagster, on a real database."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pyarrow as pa
import pytest

from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.monitoring import integrity
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.system import AnalyticsSystem

RANGE = {
    "dagster/asset_partition_range_start": "2025-01-01",
    "dagster/asset_partition_range_end": "2025-02-01",
}


def ingest(
    definitions: dg.Definitions, instance: dg.DagsterInstance, path: Path, **config: Any
) -> dg.ExecuteInProcessResult:
    settings = {"paths": [str(path)], **config}
    return definitions.resolve_job_def("ingest").execute_in_process(
        run_config={"ops": {"anonymized_tables": {"config": settings}}},
        instance=instance,
        raise_on_error=False,
    )


def refresh(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    tags: dict[str, str] = RANGE,
    **config: Any,
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def("refresh").execute_in_process(
        run_config={"ops": {"released_tables": {"config": config}}},
        instance=instance,
        tags=tags,
        raise_on_error=False,
    )


def metadata_of(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    events = result.get_asset_materialization_events()
    (found,) = [e.materialization for e in events if e.asset_key == dg.AssetKey(asset)][:1]
    return {name: value.value for name, value in found.metadata.items()}


def test_a_file_becomes_released_figures(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    batch: Path,
) -> None:
    taken = ingest(definitions, instance, batch)
    assert taken.success
    shown = metadata_of(taken, "anonymized_assessment_responses")
    assert shown["rows_accepted"] >= 300
    assert shown["records"] == shown["accepted"] + shown["duplicates"] + shown["quarantined"]
    assert shown["quarantined"] > 0
    assert shown["seconds"] > 0
    assert all(check.passed for check in taken.get_asset_check_evaluations())
    assert len(taken.get_asset_check_evaluations()) == 2
    for check in taken.get_asset_check_evaluations():
        course = str(check.metadata["course"].value)
        # The pages show markdown inline below a thousand characters only.
        assert "data:image/svg+xml;base64," in course
        assert len(course) < 1000
        assert len(check.metadata["last_results"].value.records) == 1  # type: ignore[union-attr]
    assert [job.status for job in analytics.get_system_status().jobs] == ["succeeded"]

    released = refresh(definitions, instance)
    assert released.success
    assert [check.passed for check in released.get_asset_check_evaluations()] == [True, True]
    assert metadata_of(released, "ocean_trait_distributions")["months"] == 2
    partitions = {
        event.partition
        for event in released.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("ocean_trait_distributions")
    }
    assert partitions == {"2025-01-01", "2025-02-01"}
    by_month = {
        month: shown["dagster/partition_row_count"]
        for month, shown in materialized(released, "ocean_trait_distributions").items()
    }
    assert min(by_month.values()) > 0
    assert sum(by_month.values()) == count(analytics, "ocean_trait_distributions")
    by_day = sum(
        m["trait_rows"] for m in materialized(released, "daily_assessment_metrics").values()
    )
    assert by_day == count(analytics, "ocean_trait_distributions WHERE grain = 'day'") > 0
    shown = metadata_of(released, "ocean_trait_distributions")
    assert shown["dagster/row_count"] == count(analytics, "ocean_trait_distributions")
    months = analytics.query(
        "SELECT DISTINCT period_start FROM mv_monthly_ocean_distributions ORDER BY 1"
    )
    assert [f"{row['period_start']:%Y-%m}" for row in months.data] == ["2025-01", "2025-02"]


def count(analytics: AnalyticsSystem, table: str) -> int:
    return int(analytics.query(f"SELECT count(*) AS n FROM {table}").data[0]["n"])


def materialized(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, dict[str, Any]]:
    """Return the metadata of each partition of an asset that a run made."""
    return {
        str(event.partition): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    }


def test_a_refresh_notes_exactly_the_days_that_were_touched(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    batch: Path,
    tmp_path: Path,
) -> None:
    ingest(definitions, instance, batch)
    days = {day.isoformat() for day in analytics.get_system_status().touched_days}
    first = refresh(definitions, instance)
    assert set(materialized(first, "dual_ai_validation_metrics")) == days
    assert days <= set(materialized(first, "daily_assessment_metrics"))
    late = tmp_path / "late"
    generate_files(late, responses=20, seed=7, start=date(2025, 2, 10), days=2)
    ingest(definitions, instance, late)
    days = {day.isoformat() for day in analytics.get_system_status().touched_days}
    again = refresh(definitions, instance)
    assert set(materialized(again, "dual_ai_validation_metrics")) == days
    assert set(materialized(again, "ocean_trait_distributions")) == {"2025-01-01", "2025-02-01"}
    (newest,) = [
        metadata
        for day, metadata in materialized(again, "daily_assessment_metrics").items()
        if day == max(days)
    ]
    assert newest["dagster/partition_row_count"] > 0


def test_each_released_table_shows_a_small_chart_and_a_table(
    definitions: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    dense = tmp_path / "dense"
    generate_files(dense, responses=400, start=date(2025, 1, 22), days=20, organizations=8)
    ingest(definitions, instance, dense)
    released = refresh(definitions, instance)
    for table, newest in {
        "ocean_trait_distributions": "2025-02-01",
        "daily_assessment_metrics": "2025-02-10",
        "dual_ai_validation_metrics": "2025-02-10",
    }.items():
        shown = materialized(released, table)[newest]
        assert "data:image/svg+xml;base64," in shown["chart"], table
        assert len(shown["chart"]) < 100_000
        assert shown["figures"].count("\n|") >= 4, table
    assert "chart" not in materialized(released, "ocean_trait_distributions")["2025-01-01"]
    for event in released.get_asset_materialization_events():
        if event.asset_key == dg.AssetKey("mv_system_performance_dashboard"):
            continue  # nothing was measured yet
        course = str(event.materialization.metadata["course"].value)
        assert course.startswith("![course](data:image/svg+xml;base64,"), event.asset_key
        assert len(course) < 1000, "the pages show no longer ones inline"
    compared = materialized(released, "benchmarking_data")["2025-02-01"]
    assert "data:image/svg+xml;base64," in compared["chart"]
    assert "agreement" in compared["figures"]


def test_days_are_released_again_from_their_rows_in_one_run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    batch: Path,
) -> None:
    ingest(definitions, instance, batch)
    refresh(definitions, instance)
    true = content(analytics)
    with analytics.database.connection("ingest") as connection:
        connection.execute(
            "UPDATE analytics.daily_assessment_metrics SET responses_started = 77"
            " WHERE responses_started IS NOT NULL"
        )
        connection.execute("DELETE FROM analytics.dual_ai_validation_metrics")
    # From before the first response to after the last one.
    by_range = {
        "dagster/asset_partition_range_start": "2024-12-30",
        "dagster/asset_partition_range_end": "2025-03-02",
    }
    again = definitions.resolve_job_def("rebuild_days").execute_in_process(
        instance=instance, tags=by_range
    )
    assert content(analytics) == true
    shown = materialized(again, "daily_assessment_metrics")
    assert len(shown) == 63
    assert shown["2024-12-30"]["dagster/partition_row_count"] == 0
    assert analytics.query(
        "SELECT count(*) AS n FROM mv_daily_assessment_overview WHERE responses_started = 77"
    ).data == [{"n": 0}]


def content(analytics: AnalyticsSystem) -> list[Any]:
    return [
        analytics.query(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4").data
        for table in ("daily_assessment_metrics", "dual_ai_validation_metrics")
    ]


def test_the_same_batch_twice_changes_nothing(
    definitions: dg.Definitions, instance: dg.DagsterInstance, batch: Path
) -> None:
    first = metadata_of(ingest(definitions, instance, batch), "anonymized_assessments")
    again = ingest(definitions, instance, batch)
    assert again.success
    second = metadata_of(again, "anonymized_assessments")
    assert second["was_loaded_before"]
    assert second["duplicates"] == first["records"]


def test_only_the_touched_months_of_a_range_are_counted(
    definitions: dg.Definitions, instance: dg.DagsterInstance, batch: Path
) -> None:
    ingest(definitions, instance, batch)
    refresh(definitions, instance)
    wide = {**RANGE, "dagster/asset_partition_range_start": "2020-01-01"}
    untouched = refresh(definitions, instance, wide)
    assert metadata_of(untouched, "ocean_trait_distributions")["months"] == 0
    counted = refresh(definitions, instance, rebuild=True)
    assert metadata_of(counted, "ocean_trait_distributions")["days_counted"] == 59


def test_a_bad_file_fails_without_a_retry(
    definitions: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    bad = tmp_path / "responses.csv"
    bad.write_text("response,assessment\n1,2\n")
    result = ingest(definitions, instance, bad)
    assert not result.success
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert bad.exists()  # it is not in the inbox: whose file it is, we do not know


def test_a_wrong_figure_blocks_what_lies_behind(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    analytics: AnalyticsSystem,
    batch: Path,
) -> None:
    ingest(definitions, instance, batch)
    refresh(definitions, instance)
    with analytics.database.connection("ingest") as connection:
        falsify(connection)
    result = refresh(definitions, instance)
    assert not result.success
    failed = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert [check.check_name for check in failed] == ["released_month_equals_rows"]
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    assert dg.AssetKey("mv_monthly_ocean_distributions") not in made
    # Not by another way either, and the score knows of it.
    views = definitions.resolve_job_def("refresh_views")
    assert not views.execute_in_process(instance=instance, raise_on_error=False).success
    with pytest.raises(IntegrityFailure, match="released_month_equals_rows on"):
        analytics.refresh_views()
    before = analytics.get_system_status().database.data_quality_score
    assert before is not None
    assert before < 100
    assert refresh(definitions, instance, rebuild=True).success
    assert views.execute_in_process(instance=instance).success
    assert analytics.get_system_status().database.data_quality_score == 100


def falsify(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "UPDATE analytics.ocean_trait_distributions SET mean = mean + 1"
        " WHERE grain = 'month' AND dimension = 'openness' AND instrument = 'all'"
    )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE analytics.ocean_trait_distributions SET sample_size = 9"
        " WHERE grain = 'day' AND sample_size IS NULL",
        "UPDATE analytics.ocean_trait_distributions SET mean = 50 WHERE sample_size IS NULL",
    ],
)
def test_a_figure_about_few_people_is_found(
    change: Any, analytics: AnalyticsSystem, batch: Path
) -> None:
    analytics.ingest_files(batch)
    analytics.refresh()
    assert analytics.check_integrity("nothing_small_released").passed
    with analytics.database.connection("ingest") as connection:
        connection.execute(change)
    assert not analytics.check_integrity("nothing_small_released").passed


def test_a_promise_is_looked_at_in_one_snapshot(
    analytics: AnalyticsSystem, batch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analytics.ingest_files(batch)
    analytics.refresh()
    look = integrity.PROMISES["released_month_equals_rows"]

    def meanwhile(connection: psycopg.Connection[Any]) -> integrity.Finding:
        connection.execute("SELECT count(*) FROM internal.touched_days")
        with analytics.database.connection("ingest") as other:
            falsify(other)
        return look(connection)

    changed = {**integrity.PROMISES, "released_month_equals_rows": meanwhile}
    monkeypatch.setattr(integrity, "PROMISES", changed)
    assert analytics.check_integrity("released_month_equals_rows").passed
    monkeypatch.undo()
    assert not analytics.check_integrity("released_month_equals_rows").passed


def test_an_unexpected_error_tells_dagster_its_type_only(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    batch: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        try:
            raise ValueError("row: Ada Lovelace")
        except ValueError as error:
            raise pa.ArrowInvalid("cannot convert 'Ada Lovelace'") from error

    monkeypatch.setattr(AnalyticsSystem, "ingest_files", broken)
    result = ingest(definitions, instance, batch)
    assert not result.success
    stored = "".join(str(one) for one in instance.all_logs(result.run_id))
    assert "unexpected ArrowInvalid; see the process's own log" in stored
    assert "Lovelace" not in stored
    assert "Lovelace" in caplog.text


def test_lost_and_orphaned_rows_are_found(analytics: AnalyticsSystem, batch: Path) -> None:
    analytics.ingest_files(batch)
    with analytics.database.connection("ingest") as connection:
        connection.execute(
            "DELETE FROM analytics.anonymized_assessment_responses WHERE id IN"
            " (SELECT id FROM analytics.anonymized_assessment_responses"
            " WHERE created_at >= '2025-02-01' LIMIT 3)"
        )
    assert analytics.check_integrity("newest_batch_accounted").faults == 1
    orphans = analytics.check_integrity("no_duplicates_no_orphans")
    assert not orphans.passed
    assert {row["fault"]: row["records"] for row in orphans.sample}["duplicate_responses"] == 0
