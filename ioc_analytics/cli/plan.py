"""``plan``: when which resource is used up.

Not for: the figures themselves (``insight.resources``); this prints them.
"""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, figure, pass_session, size, table

if TYPE_CHECKING:
    from ioc_analytics.insight.resources import ResourceForecast, ResourcePlan


@click.command(cls=PlatformCommand)
@click.option(
    "--horizon",
    type=click.IntRange(1, 3_650),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Days ahead that the use is told for.",
)
@pass_session
def plan(session: Session, horizon: int) -> None:
    """Show how rows, bytes, runtime, connections and partitions go on, and when they are used up.

    What was said is kept in predictive_analytics_results and scored once its day has come.

    Example:
        ioc-analytics plan
        ioc-analytics plan --horizon 365 --json
    """
    with session.system() as system:
        found = system.plan_resources(horizon)
    if session.is_json:
        session.print_json(found.to_dict())
    else:
        show_plan(session, found)


def show_plan(session: Session, found: "ResourcePlan") -> None:
    """Print a plan for people."""
    heads = ("now", "then", "90 % interval", "end")
    rows = table("resource", *heads, "used up", "95 % interval", "unit", numbers=heads)
    for one in found.resources:
        interval = one.interval
        rows.add_row(
            one.resource,
            _amount(one, one.used),
            _amount(one, one.value),
            f"{_amount(one, interval.low)} to {_amount(one, interval.high)}" if interval else "-",
            _amount(one, one.end),
            str(one.exhausted or "-"),
            f"{one.earliest} to {one.latest or 'later'}" if one.earliest else "-",
            one.unit,
        )
    click.echo(f"in {found.horizon_days} days, on {found.day}")
    session.console().print(rows)
    for one in found.resources:
        if one.reason:
            click.echo(f"{one.resource}: {one.reason}")


def _amount(one: "ResourceForecast", value: float | None) -> str:
    if value is not None and one.unit == "bytes":
        return size(int(value))
    return figure(value, 1 if one.unit in ("percent", "seconds per day") else 0)
