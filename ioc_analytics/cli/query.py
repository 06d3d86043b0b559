"""``query``: one statement of custom SQL."""

import csv
import sys
from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, table

if TYPE_CHECKING:
    from ioc_analytics.records.answers import QueryResult


@click.command(cls=PlatformCommand)
@click.argument("sql")
@click.argument("params", nargs=-1)
@click.option("--max-rows", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--timeout", type=float, metavar="SECONDS", help="Time limit of the statement.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
)
@click.option(
    "--access",
    type=click.Choice(["read", "ml"]),
    default="read",
    show_default=True,
    help="ml: may store predictions.",
)
@pass_session
def query(
    session: Session,
    sql: str,
    params: tuple[str, ...],
    max_rows: int,
    timeout: float | None,
    form: str,
    access: str,
) -> None:
    """Run one SQL statement, read-only; PARAMS are the values of $1, $2 and so on.

    With - for SQL the statement is read from standard input.

    Example:
        ioc-analytics query 'SELECT count(*) FROM anonymized_assessments'
        ioc-analytics query 'SELECT dimension, avg(score) FROM anonymized_assessment_scores
            WHERE created_at >= $1 GROUP BY 1' 2025-01-01 --format csv
    """
    statement = sys.stdin.read() if sql == "-" else sql
    options = {"max_rows": max_rows, "timeout_seconds": timeout, "access": access}
    with session.system() as system:
        result = system.query(statement, params, options)
    if session.is_json or form == "json":
        session.print_json(result.to_dict())
        return
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows(row.values() for row in result.data)
    else:
        _show(session, result)
    if result.truncated:
        click.echo(f"the first {max_rows:,} rows; --max-rows shows more", err=True)


def _show(session: Session, result: "QueryResult") -> None:
    is_number = {
        name
        for name in result.columns
        if any(isinstance(row[name], int | float) for row in result.data[:100])
    }
    shown = table(*result.columns, numbers=tuple(is_number))
    for row in result.data:
        shown.add_row(*("" if value is None else str(value) for value in row.values()))
    session.console().print(shown)
    rows = "1 row" if result.row_count == 1 else f"{result.row_count:,} rows"
    click.echo(f"{rows} in {result.duration_seconds:.2f} s")
