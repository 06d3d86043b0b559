"""``advice``: what would make the installation last longer or work better."""

from datetime import datetime

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, table


@click.command(cls=PlatformCommand)
@click.option("--past", is_flag=True, help="What was advised before, and what it changed.")
@pass_session
def advice(session: Session, past: bool) -> None:
    """Say what to enlarge, drop or mend, on measured evidence; nothing without it.

    Example:
        ioc-analytics advice
        ioc-analytics advice --past
    """
    if past:
        _show_past(session)
        return
    with session.system() as system:
        found = system.get_scaling_recommendations()
    if session.is_json:
        session.print_json({"advice": [one.to_dict() for one in found]})
        return
    if not found:
        click.echo("no advice: no measured figure calls for any")
        return
    shown = table("priority", "topic", "what to do", "why", "when")
    for one in found:
        shown.add_row(one.priority, one.topic, one.description, one.estimated_impact, one.timeline)
    session.console().print(shown)


def _show_past(session: Session) -> None:
    with session.system() as system:
        found = system.review_recommendations()
    if session.is_json:
        session.print_json({"past_advice": [one.to_dict() for one in found]})
        return
    if not found:
        click.echo("nothing was advised so far")
        return
    shown = table(
        "given", "what to do", "followed", "ended", "figure", "before", "after", "outcome"
    )
    for one in found:
        shown.add_row(
            _day(one.first_given_at),
            one.description,
            _day(one.taken_at),
            _day(one.ended_at),
            one.measure,
            _number(one.before),
            _number(one.after),
            one.outcome,
        )
    session.console().print(shown)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"
