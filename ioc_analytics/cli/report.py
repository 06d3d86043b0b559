"""``report``: the analyses as one file."""

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.conditions import parse_conditions, selection_options
from ioc_analytics.cli.session import Session, pass_session, show_withheld


@click.command(cls=PlatformCommand)
@click.option("--title", help="Heading of the report.")
@click.option("--section", "sections", multiple=True, help="Only these sections, in this order.")
@selection_options
@click.option("--format", "form", default="html", show_default=True, help="html, markdown or json.")
@click.option("--by", help="Dimension of the groups; industry unless given.")
@click.option("--interval", help="monthly or quarterly; monthly unless given.")
@click.option("--organization", help="Show this organization against its peers.")
@click.option("--filename", help="Name of the file in the report folder.")
@pass_session
def report(
    session: Session,
    title: str | None,
    sections: tuple[str, ...],
    conditions: tuple[str, ...],
    start: str | None,
    end: str | None,
    form: str,
    by: str | None,
    interval: str | None,
    organization: str | None,
    filename: str | None,
) -> None:
    """Write a report that opens offline, with pictures, n, interval and date of every figure.

    Sections: distributions, correlations, groups, history, metrics, trends, outliers,
    ai_validation, benchmarks, norms, data_quality.

    Example:
        ioc-analytics report
        ioc-analytics report --filter industry=Technology --from 2025-01-01 --to 2026-01-01
        ioc-analytics report --section distributions --section groups --by gender --format markdown
    """
    config = {
        "title": title,
        "sections": sections or None,
        "filters": parse_conditions(conditions),
        "time_range": {"start": start, "end": end},
        "format": form,
        "by": by,
        "interval": interval,
        "organization": organization,
        "filename": filename,
    }
    with session.system() as system:
        made = system.generate_report(config)
    if session.is_json:
        session.print_json(made.to_dict())
        return
    click.echo(f"{len(made.sections)} sections: {made.path}")
    show_withheld(made.withheld)
