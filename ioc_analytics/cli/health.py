"""``health``: whether every part of the platform is well."""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, pass_session, table
from ioc_analytics.kernel.errors import Unavailable

if TYPE_CHECKING:
    from ioc_analytics.records.quality import QualityEvaluation


@click.command(cls=PlatformCommand)
@click.option("--evaluate", is_flag=True, help="Evaluate data quality first, and say what failed.")
@pass_session
def health(session: Session, evaluate: bool) -> None:
    """Look at every part of the platform; exit code 5 when one is unhealthy.

    Example:
        ioc-analytics health
        ioc-analytics health --evaluate
    """
    with session.system() as system:
        quality = system.evaluate_quality() if evaluate else None
        found = system.health_check()
    if session.is_json:
        told = {"quality": quality.to_dict()} if quality else {}
        session.print_json({**found.to_dict(), **told})
    else:
        click.echo(f"{found.status}, looked at in {found.duration_seconds * 1000:.0f} ms")
        shown = table("part", "status", "detail")
        for name, check in found.checks.items().items():
            shown.add_row(name, check.status, check.detail)
        session.console().print(shown)
        if quality:
            _print_quality(session, quality)
    if found.status == "unhealthy":
        raise click.exceptions.Exit(Unavailable.exit_code)


def _print_quality(session: Session, quality: "QualityEvaluation") -> None:
    click.echo(f"data quality: {quality.score:.0f} of 100")
    shown = table("check", "severity", "passed", "what was found")
    for one in quality.results:
        shown.add_row(one.name, one.severity, "yes" if one.passed else "no", one.summary)
    session.console().print(shown)
