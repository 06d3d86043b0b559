"""``maintain``: the care that tables, indexes and views need."""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, table

if TYPE_CHECKING:
    from ioc_analytics.records.maintenance import MaintenanceReport


@click.command(cls=PlatformCommand)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Time budget: no action starts later.  [default: 15]",
)
@pass_session
def maintain(session: Session, dry_run: bool, minutes: float | None) -> None:
    """Give the tables the care that evidence asks for, and refresh the views.

    Nothing is done that waits long for a lock; what a person must decide is named only.

    Example:
        ioc-analytics maintain --dry-run
        ioc-analytics maintain
    """
    with session.system() as system:
        budget = None if minutes is None else 60 * minutes
        with session.progress("steps") as bars:
            task = bars.add_task("maintaining", total=None)
            report = system.perform_maintenance(
                dry_run,
                budget,
                progress=lambda step: bars.update(task, advance=1, description=step),
            )
    if session.is_json:
        session.print_json(report.to_dict())
    else:
        _show(session, report)


def _show(session: Session, report: "MaintenanceReport") -> None:
    shown = table("step", "planned", "done", "seconds", numbers=("planned", "done", "seconds"))
    for step in report.steps:
        shown.add_row(step.name, str(len(step.plan)), str(len(step.done)), f"{step.seconds:.2f}")
    session.console().print(shown)
    for step in report.steps:
        for action in step.plan if report.is_dry_run else step.done:
            click.echo(f"{'would' if report.is_dry_run else 'did'}: {action}")
        for action, reason in step.left.items():
            click.echo(f"left: {action} ({reason})")
        for finding in step.findings:
            click.echo(f"look at: {finding}")
