"""``pseudonym``: from an identifier of the operational system to its pseudonym."""

import sys

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session


@click.command(cls=PlatformCommand)
@click.argument("kind", type=click.Choice(["organization", "assessment", "response", "respondent"]))
@click.argument("identifier")
@pass_session
def pseudonym(session: Session, kind: str, identifier: str) -> None:
    """Show the pseudonym of an organization, assessment, response or respondent.

    With - for IDENTIFIER it is read from standard input: what stands in a command is seen by
    other accounts of the machine.

    Example:
        ioc-analytics pseudonym organization acme
    """
    if identifier == "-":
        identifier = sys.stdin.readline().strip()
    with session.system() as system:
        found = system.pseudonym(kind, identifier)
    if session.is_json:
        session.print_json({"kind": kind, "pseudonym": str(found)})
    else:
        click.echo(str(found))
