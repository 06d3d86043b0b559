"""``export``: the rows of one statement as a file."""

import sys

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, size


@click.command(cls=PlatformCommand)
@click.argument("sql")
@click.argument("params", nargs=-1)
@click.option(
    "--format",
    "form",
    default="csv",
    show_default=True,
    help="csv, json, jsonl, parquet, arrow or xlsx.",
)
@click.option("--filename", help="Name of the file in the export folder.")
@click.option("--compression", help="gzip or zstd.")
@click.option("--headers/--no-headers", default=True, show_default=True)
@click.option("--timeout", type=float, metavar="SECONDS", help="Time limit of the statement.")
@pass_session
def export(
    session: Session,
    sql: str,
    params: tuple[str, ...],
    form: str,
    filename: str | None,
    compression: str | None,
    headers: bool,
    timeout: float | None,
) -> None:
    """Write the rows of one SQL statement to the export folder, with a manifest beside them.

    PARAMS are the values of $1, $2 and so on. With - for SQL it is read from standard input.

    Example:
        ioc-analytics export 'SELECT * FROM mv_monthly_ocean_distributions'
        ioc-analytics export 'SELECT * FROM anonymized_assessment_scores
            WHERE created_at >= $1' 2025-01-01 --format parquet
    """
    statement = sys.stdin.read() if sql == "-" else sql
    options = {
        "filename": filename,
        "compression": compression,
        "include_headers": headers,
        "timeout_seconds": timeout,
    }
    with session.system() as system:
        result = system.export_data(statement, params, form, options)
    if session.is_json:
        session.print_json(result.to_dict())
        return
    rows = "1 row" if result.row_count == 1 else f"{result.row_count:,} rows"
    click.echo(f"{rows}, {size(result.size_bytes)}: {result.path}")
