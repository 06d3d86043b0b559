"""``benchmarks``: an organization against its peers, or the picture of a sector.

Not for: the figures themselves (``insight.benchmarks``); this draws tables.
"""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.session import Session, figure, pass_session, show_withheld, table
from ioc_analytics.cli.sparklines import draw_position

if TYPE_CHECKING:
    from ioc_analytics.insight.benchmark_records import Benchmarks


@click.command(cls=PlatformCommand)
@click.argument("organization", metavar="[ORG]", required=False)
@click.option("--industry", metavar="NAME", help="Sector of the peers, instead of its own.")
@click.option("--size", metavar="NAME", help="Size band of the peers, instead of its own.")
@click.option("--from", "start", metavar="DATE", help="First day, or an ISO time (UTC).")
@click.option("--to", "end", metavar="DATE", help="End, itself left out.")
@pass_session
def benchmarks(
    session: Session,
    organization: str | None,
    industry: str | None,
    size: str | None,
    start: str | None,
    end: str | None,
) -> None:
    """Compare an organization with its peers; without one, show the peer group.

    ORG is the organization's own id, or its pseudonym.

    Example:
        ioc-analytics benchmarks acme
        ioc-analytics benchmarks acme --from 2025-01-01 --to 2025-07-01
        ioc-analytics benchmarks --industry Technology --json
    """
    with session.system() as system:
        answer = system.get_benchmarks(organization, industry, size, {"start": start, "end": end})
    if session.is_json:
        session.print_json(answer.to_dict())
    else:
        show_benchmarks(session, answer)


def show_benchmarks(session: Session, answer: "Benchmarks") -> None:
    """Print an answer for people."""
    console = session.console()
    heads = ("value", "n", "peer median", "rank", "95 % CI", "limits", "peers")
    rows = table("metric", *heads, "level", numbers=heads)
    for b in answer.shown.values():
        decimals = 3 if b.unit == "share" else 1
        limits = b.funnel.limits
        rows.add_row(
            b.metric,
            figure(b.value, decimals),
            f"{b.sample_size:,}",
            figure(b.peer_median, decimals),
            figure(b.percentile_rank, 0),
            f"{b.interval.low:.0f} to {b.interval.high:.0f}" if b.interval else "-",
            f"{limits.low:.{decimals}f} to {limits.high:.{decimals}f}",
            f"{b.peer_organizations:,}",
            b.peer_level,
        )
    console.print(rows)
    for b in answer.shown.values():
        inner, outer = b.funnel.limits, b.funnel.outer_limits
        place = draw_position(b.value, (inner.low, inner.high), (outer.low, outer.high))
        click.echo(f"{b.metric:<19}  {outer.low:8.3g} {place} {outer.high:.3g}")
    if answer.shown:
        click.echo("funnel: ═ within 95 % limits, ─ within 99.8 %, ● the value")
    index = answer.performance_index
    if index is not None:
        low, high = index.interval.low, index.interval.high
        click.echo(f"performance index {index.value:.0f} ({low:.0f} to {high:.0f}) of 100")
    for insight in answer.competitive_insights:
        moved = "" if insight.moved is None else f"; moved by {insight.moved:+.3g}"
        click.echo(f"stands out: {insight.description}{moved}")
    for advice in answer.recommendations:
        click.echo(f"{advice.priority}: {advice.description}")
    show_withheld(answer.withheld)
