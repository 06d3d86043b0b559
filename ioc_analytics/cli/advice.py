"""``advice``: what would make the installation last longer or work better."""

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, table


@click.command(cls=PlatformCommand)
@pass_session
def advice(session: Session) -> None:
    """Say what to enlarge, drop or mend, on measured evidence; nothing without it.

    Example:
        ioc-analytics advice
        ioc-analytics advice --json
    """
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
