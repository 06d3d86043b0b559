"""``refresh``: bringing states, released tables and views up to date."""

from datetime import date, datetime

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session


@click.command(cls=PlatformCommand)
@click.option("--rebuild", is_flag=True, help="Count every day again, touched or not.")
@click.option(
    "--month",
    "months",
    multiple=True,
    type=click.DateTime(["%Y-%m", "%Y-%m-%d"]),
    metavar="YYYY-MM",
    help="Only this month; may be repeated.",
)
@pass_session
def refresh(session: Session, rebuild: bool, months: tuple[datetime, ...]) -> None:
    """Count touched days again and refresh released tables and views.

    Answers are exact without it; it makes them fast.

    Example:
        ioc-analytics refresh
        ioc-analytics refresh --rebuild --month 2025-03
    """
    periods = [month.date() for month in months] or None
    with session.system() as system, session.progress("months") as bars:
        task = bars.add_task("counting", total=None)

        def advance(month: date, total: int) -> None:
            bars.update(task, advance=1, total=total, description=f"{month:%Y-%m} counted")

        act = system.rebuild if rebuild else system.refresh
        receipt = act(periods, progress=advance)
    if session.is_json:
        session.print_json(receipt.to_dict())
        return
    click.echo(
        f"{len(receipt.days):,} days of {len(receipt.months)} months counted, "
        f"{receipt.released_rows:,} rows released, {len(receipt.views)} views refreshed "
        f"in {receipt.duration_seconds:.1f} s"
    )
