"""What assets say about their tables is what the database says."""

import dagster as dg
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.orchestration import catalogue
from ioc_analytics.orchestration.build import build_defs

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a
WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""


def tables() -> list[str]:
    """Return the assets that are tables or views."""
    return sorted(
        spec.key.to_user_string()
        for spec in build_defs().resolve_all_asset_specs()
        if "dagster/table_name" in spec.metadata
    )


def test_every_table_has_its_columns_types_and_comments(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("owner") as connection:
        for table in tables():
            found = connection.execute(
                COLUMNS.replace("$1", "%s"), (f"analytics.{table}",)
            ).fetchall()
            columns = catalogue.columns(table)
            assert [(c.name, c.type) for c in columns] == [row[:2] for row in found], table
            if not table.startswith("mv_"):
                said = [(c.is_required, c.comment) for c in columns]
                assert said == [row[2:] for row in found], table


DERIVED = {
    "daily_assessment_metrics",
    "ocean_trait_distributions",
    "benchmarking_data",
    "dual_ai_validation_metrics",
    "predictive_analytics_results",
    "mv_daily_assessment_overview",
    "mv_weekly_response_metrics",
    "mv_monthly_ocean_distributions",
    "mv_industry_benchmarks",
    "mv_system_performance_dashboard",
}
"""Tables that are made from others; all others are filled from outside."""


def test_what_is_derived_says_from_what_and_how() -> None:
    specs = {s.key.to_user_string(): s.metadata for s in build_defs().resolve_all_asset_specs()}
    for name in ("dagster/column_lineage", "lineage", "sql"):
        assert {table for table, metadata in specs.items() if name in metadata} == DERIVED, name
    shown = specs["ocean_trait_distributions"]["lineage"].value
    assert "| `p95` | `anonymized_assessment_scores.score` |" in shown


@pytest.mark.parametrize("table", tables())
def test_origins_name_columns_that_exist(table: str) -> None:
    origins = catalogue.origins(table)
    assert not origins or list(origins) == [column.name for column in catalogue.columns(table)]
    for parents in origins.values():
        for source, column in parents:
            assert column in {one.name for one in catalogue.columns(source)}


def test_the_origin_of_a_figure_is_the_column_it_is_counted_from() -> None:
    views = catalogue.origins("mv_weekly_response_metrics")
    assert views["completion_rate"] == (
        ("daily_assessment_metrics", "withheld_reason"),
        ("daily_assessment_metrics", "responses_completed"),
        ("daily_assessment_metrics", "responses_started"),
    )
    released = catalogue.origins("ocean_trait_distributions")
    assert released["p95"] == (("anonymized_assessment_scores", "score"),)


def test_assets_carry_schema_lineage_statement_and_their_place_in_the_code() -> None:
    specs = {s.key.to_user_string(): s.metadata for s in build_defs().resolve_all_asset_specs()}
    shown = specs["mv_industry_benchmarks"]
    assert "CREATE MATERIALIZED VIEW analytics.mv_industry_benchmarks" in shown["sql"].value
    lineage = shown["dagster/column_lineage"].deps_by_column
    assert lineage["p50"] == [dg.TableColumnDep(dg.AssetKey("benchmarking_data"), "p50")]
    made = build_defs().resolve_asset_graph().materializable_asset_keys
    for name in (key.to_user_string() for key in made):
        metadata = specs[name]
        (reference, *_) = metadata["dagster/code_references"].code_references
        assert "orchestration/assets" in reference.file_path, name
