"""What Dagster's pages show about assets and runs: descriptions, figures, small tables.

For: assets and checks. Not for: measuring anything; all figures come in results of the platform.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.orchestration import catalogue
from ioc_analytics.orchestration.catalogue import description
from ioc_analytics.records.answers import RefreshReceipt
from ioc_analytics.records.quality import PastResult
from ioc_analytics.records.receipts import IngestReceipt

if TYPE_CHECKING:
    from ioc_analytics.insight.report import Report
    from ioc_analytics.insight.report_pieces import Section
    from ioc_analytics.system import AnalyticsSystem

OWNERS: Final = ["team:analytics"]

DROPPED_TAG: Final = "ioc/dropped_at"
"""Tag of a run with the time at which the oldest batch that it is for was dropped."""

_SHOWN_ROWS: Final = 50
"""Rows of a table in a page: all of them are drawn at once."""

_SHOWN_RESULTS: Final = 10

_STATEMENTS: Final = {
    "daily_assessment_metrics": "insight/release_daily",
    "ocean_trait_distributions": "states/rows",
    "dual_ai_validation_metrics": "insight/validation_pairs",
    "benchmarking_data": "states/answer_organizations",
    "predictive_analytics_results": "insight/training_completion",
}
"""Where it is more than a view: the named query that reads what a released table is made from."""

_COURSES: Final = {
    "ocean_trait_distributions": "scored responses by month",
    "mv_monthly_ocean_distributions": "scored responses by month",
    "benchmarking_data": "organizations by month",
    "mv_industry_benchmarks": "organizations by month",
    "daily_assessment_metrics": "responses started by day",
    "mv_daily_assessment_overview": "responses started by day",
    "mv_weekly_response_metrics": "responses started by week",
    "dual_ai_validation_metrics": "agreement rate by day",
    "predictive_analytics_results": "predictions by day of issue",
    "system_health_metrics": "figures out of order by measurement",
    "mv_system_performance_dashboard": "figures out of order by hour",
}
"""What the small picture of each table and view shows: its last thirty periods."""

Metadata = dict[str, Any]


def table_spec(name: str, group: str, **attributes: Any) -> dg.AssetSpec:
    """Return the asset of a table or view, with all that the schema says about it."""
    return dg.AssetSpec(
        name,
        group_name=group,
        description=description(name),
        owners=OWNERS,
        metadata=table_metadata(name),
        **{"kinds": {"postgres", "table"}, **attributes},
    )


def table_metadata(name: str) -> Metadata:
    """Return what is known of a table or view before it has any row."""
    metadata: Metadata = {
        "dagster/table_name": f"analytics.{name}",
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    one.name,
                    one.type,
                    one.comment,
                    dg.TableColumnConstraints(nullable=not one.is_required),
                )
                for one in catalogue.columns(name)
            ]
        ),
    }
    origins = catalogue.origins(name)
    if origins:
        metadata["dagster/column_lineage"] = dg.TableColumnLineage(
            {
                column: [dg.TableColumnDep(dg.AssetKey(of), origin) for of, origin in parents]
                for column, parents in origins.items()
            }
        )
        # The open-source pages keep column lineage, but draw it nowhere.
        metadata["lineage"] = _lineage(origins)
    statement = _statement(name)
    if statement is not None:
        metadata["sql"] = dg.MetadataValue.md(f"```sql\n{statement}\n```")
    return metadata


def count_rows(system: "AnalyticsSystem", names: Iterable[str]) -> dict[str, Metadata]:
    """Return what each of some tables and views holds now."""
    return {
        name: {"dagster/row_count": one.rows, "size_bytes": one.size_bytes}
        for name, one in system.count_rows(list(names)).items()
    }


def section(shown: "Section") -> Metadata:
    """Return an analysis as a chart and a table."""
    # Imported late: the definitions load without a drawing library.
    from ioc_analytics.insight.report_formats import markdown_table
    from ioc_analytics.pictures import to_data_uri

    tables = {
        "figures" if at == 0 else f"figures_{at + 1}": dg.MetadataValue.md(
            "\n".join(markdown_table(one))
        )
        for at, one in enumerate(shown.tables)
    }
    charts = {
        "chart" if at == 0 else f"chart_{at + 1}": dg.MetadataValue.md(
            f"![{one.caption}]({to_data_uri(one.chart)})\n\n{one.caption}"
        )
        for at, one in enumerate(shown.pictures)
    }
    return {**tables, **charts, **({} if tables else {"figures": shown.note})}


def courses(system: "AnalyticsSystem", tables: Iterable[str]) -> dict[str, Metadata]:
    """Return what some tables and views say about their last periods, in a picture each."""
    found = system.show_courses(list(tables))
    return {table: _course(values, _COURSES[table]) for table, values in found.items()}


def _course(values: Sequence[float], figure: str, marked: Sequence[bool] = ()) -> Metadata:
    # Imported late, like all pictures.
    from ioc_analytics.pictures.sparklines import sparkline

    if not values:
        return {}
    return {"course": dg.MetadataValue.md(f"![course]({sparkline(values, marked)}) {figure}")}


def history(results: Sequence[PastResult]) -> Metadata:
    """Return the last results of a check as a picture that the pages show inline, and a table."""
    course = list(reversed(results))
    if not course:
        return {}
    values = [float(one.passed) if one.score is None else one.score for one in course]
    faults = [not one.passed for one in course]
    figure = f"{sum(faults)} of {len(course)} failed, lowest {min(values):.1%}"
    return {
        **_course(values, figure, faults),
        "last_results": table(
            [
                {
                    "measured_at": f"{one.measured_at:%Y-%m-%d %H:%M}",
                    "passed": one.passed,
                    "well": one.score,
                    "summary": one.summary,
                }
                for one in results[:_SHOWN_RESULTS]
            ]
        ),
    }


def table(rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """Return rows as a table, the first fifty of them; an empty one as a word."""
    if not rows:
        return dg.MetadataValue.text("none")
    records = [
        dg.TableRecord({name: _cell(value) for name, value in row.items()})
        for row in rows[:_SHOWN_ROWS]
    ]
    return dg.MetadataValue.table(records)


def receipt_metadata(receipt: IngestReceipt) -> Metadata:
    """Return what a run shows about a batch."""
    days = receipt.touched_days
    counts = [
        {
            "kind": kind,
            "received": one.received,
            "accepted": one.accepted,
            "duplicates": one.duplicates,
            "quarantined": one.quarantined,
        }
        for kind, one in receipt.by_kind.items()
    ]
    return {
        "batch": receipt.batch_id if receipt.batch_id is not None else "several",
        "records": receipt.records_processed,
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "quarantined": receipt.quarantined,
        "settled_from_quarantine": receipt.settled,
        "was_loaded_before": receipt.is_duplicate,
        "by_kind": table(counts),
        "quarantine_rules": table(_counted(receipt.quarantine, "rule")),
        "repairs": table(_counted(receipt.repairs, "repair")),
        "period": period(days),
        "touched_days": len(days),
        "seconds": receipt.duration_seconds,
        **({"warnings": "\n".join(receipt.warnings)} if receipt.warnings else {}),
    }


def refresh_metadata(receipt: RefreshReceipt, released_table: str) -> Metadata:
    """Return what a run shows about a refresh or rebuild of one released table."""
    return {
        "rows_released": receipt.released.get(released_table, 0),
        "months": len(receipt.months),
        "days_counted": len(receipt.days),
        "period": period(receipt.days),
        "seconds": receipt.duration_seconds,
    }


def _lineage(origins: Mapping[str, Sequence[tuple[str, str]]]) -> dg.MetadataValue:
    rows = (
        f"| `{column}` | {', '.join(f'`{of}.{origin}`' for of, origin in parents) or 'none'} |"
        for column, parents in origins.items()
    )
    return dg.MetadataValue.md("\n".join(["| column | made from |", "| --- | --- |", *rows]))


def _statement(name: str) -> str | None:
    if name.startswith("mv_"):
        return catalogue.statement(name)
    return sqlfiles.query(_STATEMENTS[name]) if name in _STATEMENTS else None


def report_metadata(made: "Report") -> Metadata:
    """Return what a run shows about a report; its figures are for those who may open the file."""
    return {
        # A path, not an address: no browser opens a file from a page of http.
        "report": dg.MetadataValue.path(str(made.path)),
        "size_bytes": made.path.stat().st_size,
        "sections": table(
            [
                {"section": one.name, "title": one.title, "has_figures": bool(one.tables)}
                for one in made.sections
            ]
        ),
        "withheld": len(made.withheld),
    }


def waited(tags: Mapping[str, str], what: str) -> Metadata:
    """Return how long people have waited for a batch, where the run knows when it was dropped."""
    dropped = tags.get(DROPPED_TAG)
    if dropped is None:
        return {}
    seconds = (utc_now() - datetime.fromisoformat(dropped)).total_seconds()
    return {f"seconds_from_drop_to_{what}": seconds}


def period(days: Sequence[date]) -> str:
    """Return the first and last of some days in words."""
    return f"{min(days)} to {max(days)}" if days else "no day"


def _counted(counts: Mapping[str, int], name: str) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [{name: key, "records": count} for key, count in ordered]


def _cell(value: Any) -> str | int | float | bool | None:
    if isinstance(value, float):
        return round(value, 4)
    return value if isinstance(value, str | int | bool) or value is None else str(value)
