"""``health``: whether every part of the platform is well."""

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, table
from ioc_analytics.kernel.errors import Unavailable


@click.command(cls=PlatformCommand)
@pass_session
def health(session: Session) -> None:
    """Look at every part of the platform; exit code 5 when one is unhealthy.

    Example:
        ioc-analytics health
        ioc-analytics health --json
    """
    with session.system() as system:
        found = system.health_check()
    if session.is_json:
        session.print_json(found.to_dict())
    else:
        click.echo(f"{found.status}, looked at in {found.duration_seconds * 1000:.0f} ms")
        shown = table("part", "status", "detail")
        for name, check in found.checks.items().items():
            shown.add_row(name, check.status, check.detail)
        session.console().print(shown)
    if found.status == "unhealthy":
        raise click.exceptions.Exit(Unavailable.exit_code)
