"""``export``: the rows of one statement, or training data, as a file."""

import sys
from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, size

if TYPE_CHECKING:
    from ioc_analytics.records.answers import ExportResult


@click.command(cls=PlatformCommand)
@click.argument("sql", required=False)
@click.argument("params", nargs=-1)
@click.option(
    "--format",
    "form",
    help="csv, json, jsonl, parquet, arrow or xlsx; csv unless given, for training parquet.",
)
@click.option("--filename", help="Name of the file in the export folder.")
@click.option("--compression", help="gzip or zstd.")
@click.option("--headers/--no-headers", default=True, show_default=True)
@click.option("--timeout", type=float, metavar="SECONDS", help="Time limit of the statement.")
@click.option("--training", metavar="TARGET", help="Training data instead of SQL: completion.")
@click.option(
    "--cutoff",
    "cutoffs",
    multiple=True,
    metavar="TIME",
    help="Moment of training data; any number.",
)
@click.option("--horizon", type=click.IntRange(1), default=14, show_default=True, metavar="DAYS")
@click.option("--window", type=click.IntRange(1), default=30, show_default=True, metavar="DAYS")
@pass_session
def export(
    session: Session,
    sql: str | None,
    params: tuple[str, ...],
    form: str | None,
    filename: str | None,
    compression: str | None,
    headers: bool,
    timeout: float | None,
    training: str | None,
    cutoffs: tuple[str, ...],
    horizon: int,
    window: int,
) -> None:
    """Write the rows of one SQL statement to the export folder, with a manifest beside them.

    PARAMS are the values of $1, $2 and so on. With - for SQL it is read from standard input.

    With --training it is what was known at each cut-off of the responses open then, and whether
    they were completed within the horizon.

    Example:
        ioc-analytics export 'SELECT * FROM mv_monthly_ocean_distributions'
        ioc-analytics export 'SELECT * FROM anonymized_assessment_scores
            WHERE created_at >= $1' 2025-01-01 --format parquet
        ioc-analytics export --training completion --cutoff 2025-03-01 --cutoff 2025-04-01
    """
    if (sql is None) == (training is None):
        raise click.UsageError("export takes either SQL or --training")
    if (training is None) != (not cutoffs):
        raise click.UsageError("--training needs --cutoff, and --cutoff belongs to --training")
    options = {"filename": filename, "compression": compression}
    with session.system() as system:
        if training is not None:
            result = system.export_training(
                training,
                list(cutoffs),
                form or "parquet",
                options,
                horizon_days=horizon,
                window_days=window,
            )
        else:
            statement = sys.stdin.read() if sql == "-" else str(sql)
            more = {"include_headers": headers, "timeout_seconds": timeout}
            result = system.export_data(statement, params, form or "csv", {**options, **more})
    show_export(session, result)


def show_export(session: Session, result: "ExportResult") -> None:
    """Print what was written."""
    if session.is_json:
        session.print_json(result.to_dict())
        return
    rows = "1 row" if result.row_count == 1 else f"{result.row_count:,} rows"
    click.echo(f"{rows}, {size(result.size_bytes)}: {result.path}")
