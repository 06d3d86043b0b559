"""The jobs: what a person starts from the launchpad, and what sensors and schedules ask for.

For: ``build_defs``, sensors and schedules. Not for: when they run (``sensors``, ``schedules``).
"""

from typing import Any, Final

import dagster as dg
from pydantic import Field

from ioc_analytics.orchestration import presentation
from ioc_analytics.orchestration.assets.anonymized import TABLES
from ioc_analytics.orchestration.assets.norms import NORMS
from ioc_analytics.orchestration.assets.predictions import PREDICTIONS, SCORES
from ioc_analytics.orchestration.assets.quality import QUALITY
from ioc_analytics.orchestration.assets.released import DAILY, RELEASE_STEP, RELEASED
from ioc_analytics.orchestration.assets.reports import REPORTS
from ioc_analytics.orchestration.assets.retention import ARCHIVES, PLANS
from ioc_analytics.orchestration.assets.views import SOURCES
from ioc_analytics.orchestration.checks import raters_keep_their_ways
from ioc_analytics.orchestration.forgetting import forget_runs_job
from ioc_analytics.resources import AnalyticsResource
from ioc_analytics.resources.failures import RETRY, failures

INGEST: Final = "ingest"
REFRESH: Final = "refresh"
REBUILD: Final = "rebuild"
REBUILD_DAYS: Final = "rebuild_days"
REFRESH_VIEWS: Final = "refresh_views"
BACKUP: Final = "backup"
MEASURE_HEALTH: Final = "measure_health"
MAINTAIN: Final = "maintain"
REPORT: Final = "report"
EVALUATE_QUALITY: Final = "evaluate_quality"
PREDICT: Final = "predict"
MAKE_NORMS: Final = "make_norms"
RETENTION: Final = "retention"
RESTORE_DRILL: Final = "restore_drill"

ALONE_WITH_BACKUPS: Final = {"ioc/alone": "backups"}
"""Tag of runs of which one goes on at a time (``dagster.yaml``): they make backups, read them or
let them go, whatever else their steps must be alone with (their pools)."""

INGEST_STEP: Final = "anonymized_tables"


class DrillConfig(dg.Config):
    """Which backup to restore on trial."""

    backup_id: str | None = Field(default=None, description="Its id; the newest one unless given.")


class ExportConfig(dg.Config):
    """What to write to a file."""

    sql: str = Field(description="One SELECT over the schema `analytics`.")
    format: str = Field(default="csv", description="csv, json, jsonl, parquet, arrow or xlsx.")
    compression: str | None = Field(default=None, description="gzip, zstd or nothing.")


class ReportConfig(dg.Config):
    """What to write a report on."""

    title: str = Field(default="OCEAN report", description="Heading of the report.")
    sections: list[str] = Field(
        default_factory=list,
        description="distributions, correlations, groups, history, metrics, trends, outliers, "
        "ai_validation, benchmarks, norms, data_quality; all that need no organization unless "
        "given.",
    )
    start: str | None = Field(
        default=None, description="First day; from the beginning unless given."
    )
    end: str | None = Field(default=None, description="Day after the last one; now unless given.")
    filters: dict[str, str] = Field(
        default_factory=dict, description="Such as {industry_category: Technology}."
    )
    format: str = Field(default="html", description="html, markdown or json.")
    organization: str | None = Field(
        default=None, description="Show this organization (its own id or pseudonym) beside peers."
    )


class MaintainConfig(dg.Config):
    """How to maintain."""

    dry_run: bool = Field(default=False, description="Say what would be done, and do nothing.")


@dg.op(retry_policy=RETRY, pool="states")
def perform_maintenance(
    context: dg.OpExecutionContext, config: MaintainConfig, analytics: AnalyticsResource
) -> None:
    """Give the tables the care that evidence asks for."""
    with failures():
        # What has expired goes by a job of its own, which shares no pool with this one.
        report = analytics.system.perform_maintenance(config.dry_run, with_retention=False)
    for step in report.steps:
        context.log.info(
            f"{step.name}: {len(step.done)} of {len(step.plan)} done in {step.seconds:.2f} s"
        )
        for action, reason in step.left.items():
            context.log.warning(f"left: {action} ({reason})")
        for finding in step.findings:
            context.log.warning(finding)


@dg.op(retry_policy=RETRY, pool="backups")
def drill_backup(
    context: dg.OpExecutionContext, config: DrillConfig, analytics: AnalyticsResource
) -> None:
    """Restore a backup on trial and compare it with what was backed up."""
    with failures():
        backup = analytics.system.drill_backup(config.backup_id)
    context.add_output_metadata(
        {"backup": backup.id, "state": backup.state, "seconds": backup.restore_seconds or 0.0}
    )
    context.log.info(f"{backup.id}: {backup.state}, restored in {backup.restore_seconds} s")


@dg.op(retry_policy=RETRY, pool="exports")
def export_rows(
    context: dg.OpExecutionContext, config: ExportConfig, analytics: AnalyticsResource
) -> None:
    """Write the rows of a query to a file in the export folder, with its manifest."""
    options = {} if config.compression is None else {"compression": config.compression}
    with failures():
        written = analytics.system.export_data(config.sql, (), config.format, options)
    context.add_output_metadata(
        {
            "file": dg.MetadataValue.path(str(written.path)),
            "rows": written.row_count,
            "size_bytes": written.size_bytes,
            "checksum": written.checksum,
        }
    )
    context.log.info(f"{written.filename}: {written.row_count} rows, {written.size_bytes} bytes")


@dg.op(retry_policy=RETRY, pool="reports")
def write_report(
    context: dg.OpExecutionContext, config: ReportConfig, analytics: AnalyticsResource
) -> None:
    """Write a report to the report folder."""
    options = {
        "title": config.title,
        "sections": config.sections or None,
        "filters": [
            {"field": field, "operator": "eq", "value": value}
            for field, value in config.filters.items()
        ],
        "time_range": {"start": config.start, "end": config.end},
        "format": config.format,
        "organization": config.organization,
    }
    with failures():
        made = analytics.system.generate_report(options)
        context.add_output_metadata(presentation.report_metadata(made))
    context.log.info(f"{len(made.sections)} sections: {made.path}")


@dg.job(
    name=RESTORE_DRILL,
    tags=ALONE_WITH_BACKUPS,
    description="Restore a backup (the newest, unless `backup_id` names one) on trial and compare "
    "its content with what was backed up.",
)
def restore_drill_job() -> None:
    """One step."""
    drill_backup()


@dg.job(
    name=MAINTAIN,
    description="Give tables, indexes, partitions and views the care that evidence asks for.",
)
def maintain_job() -> None:
    """One step."""
    perform_maintenance()


@dg.job(
    name=REPORT,
    description="Write a report on what you fill in: period, sections, filters, format.",
)
def report_job() -> None:
    """One step."""
    write_report()


@dg.job(
    name="export",
    description="Write the rows of a query to a file: fill in `sql`, and `format` unless csv.",
)
def export_job() -> None:
    """One step."""
    export_rows()


def build_jobs() -> list[Any]:
    """Return the jobs."""
    released = dg.AssetSelection.assets(*RELEASED, *SOURCES)
    return [
        dg.define_asset_job(
            INGEST,
            selection=dg.AssetSelection.assets(*TABLES),
            description="Take files or folders in: fill in `paths`, and `mapping` for wide "
            "survey exports. The same batch twice is recognised and changes nothing.",
        ),
        dg.define_asset_job(
            REFRESH,
            selection=released,
            description="Bring the released tables of some months up to date, then the views. "
            "Only days that new, late or corrected rows touched are counted again.",
        ),
        dg.define_asset_job(
            REBUILD,
            selection=released,
            config={"ops": {RELEASE_STEP: {"config": {"rebuild": True}}}},
            description="Count every day of some months again from rows, touched or not, release "
            "them anew, then refresh the views.",
        ),
        dg.define_asset_job(
            REBUILD_DAYS,
            selection=dg.AssetSelection.assets(*DAILY, *SOURCES),
            description="Release some days of the daily tables again from their rows, then refresh "
            "the views: pick the days as partitions; a range of them is one run.",
        ),
        dg.define_asset_job(
            REFRESH_VIEWS,
            selection=dg.AssetSelection.assets(*SOURCES),
            description="Refresh the materialized views, without locking readers out.",
        ),
        dg.define_asset_job(
            BACKUP,
            tags=ALONE_WITH_BACKUPS,
            selection=dg.AssetSelection.assets("backups"),
            description="Write a backup, restore it on trial and compare, then let old ones go.",
        ),
        dg.define_asset_job(
            MEASURE_HEALTH,
            selection=dg.AssetSelection.assets("system_health_metrics"),
            description="Measure server, host, platform and queries once.",
        ),
        dg.define_asset_job(
            EVALUATE_QUALITY,
            selection=dg.AssetSelection.assets(QUALITY)
            | dg.AssetSelection.checks(raters_keep_their_ways),
            description="Look at every data quality check, and keep results and score; and whether "
            "an AI rater has left its own ways.",
        ),
        dg.define_asset_job(
            PREDICT,
            selection=dg.AssetSelection.assets(SCORES, PREDICTIONS),
            description="Score earlier predictions whose truth has come, then make new ones.",
        ),
        dg.define_asset_job(
            MAKE_NORMS,
            selection=dg.AssetSelection.assets(NORMS),
            description="Make a version of the norm tables: fill in `version`, and the range. It "
            "never changes afterwards; with `apply` stored scores get its percentiles.",
        ),
        *(
            dg.define_asset_job(
                name,
                selection=dg.AssetSelection.assets(name),
                description=f"Write the {kind} report: on the last whole one, or, with `before`, "
                "on an earlier one.",
            )
            for name, kind in REPORTS.items()
        ),
        dg.define_asset_job(
            RETENTION,
            tags=ALONE_WITH_BACKUPS,
            selection=dg.AssetSelection.assets(PLANS, ARCHIVES),
            description="Plan what has expired; with `apply`, or the setting of that name, let it "
            "go: sealed before, covered by a drilled backup, accounted for in the audit log.",
        ),
        restore_drill_job,
        maintain_job,
        forget_runs_job,
        report_job,
        export_job,
    ]
