"""``norms``: versions of the norm tables, and where a score stands in them.

Not for: how groups are made (``states.norms``) or the percentile (``statistics.norms``).
"""

import click

from ioc_analytics.cli.commands import PlatformGroup
from ioc_analytics.cli.session import Session, figure, pass_session, table


@click.group(cls=PlatformGroup)
def norms() -> None:
    """Make norm tables, ask them, and give stored scores percentiles.

    Example:
        ioc-analytics norms create 2025 --from 2025-01-01 --to 2026-01-01
        ioc-analytics norms apply 2025
    """


@norms.command("create")
@click.argument("version")
@click.option("--from", "start", metavar="DATE", help="First day, or an ISO time (UTC).")
@click.option("--to", "end", metavar="DATE", help="End, itself left out.")
@click.option("--minimum-n", type=int, metavar="N", help="Fewest scores of a group.")
@click.option("--with-careless", is_flag=True, help="Count careless responses too.")
@pass_session
def create(
    session: Session,
    version: str,
    start: str | None,
    end: str | None,
    minimum_n: int | None,
    with_careless: bool,
) -> None:
    """Make and publish a version of the norm tables; it never changes afterwards.

    Example:
        ioc-analytics norms create 2025 --from 2025-01-01 --to 2026-01-01
    """
    with session.system() as system:
        made = system.create_norms(
            version, {"start": start, "end": end}, minimum_n, with_careless=with_careless
        )
    if session.is_json:
        session.print_json(made.to_dict())
        return
    click.echo(
        f"{made.version}: {made.groups:,} groups of at least {made.minimum_n:,} scores, from "
        f"{made.responses:,} responses to {', '.join(made.instruments)}"
    )
    if not made.is_crossed:
        click.echo("note: rows of the range are gone: no region is crossed with gender or age band")
    click.echo(f"Stored scores get it with: ioc-analytics norms apply {made.version}")


@norms.command("list")
@pass_session
def show(session: Session) -> None:
    """List the versions of the norm tables, the newest first.

    Example:
        ioc-analytics norms list
    """
    with session.system() as system:
        versions = system.list_norms()
    if session.is_json:
        session.print_json(versions.to_dict())
        return
    if not versions:
        click.echo("no norms yet; make them with: ioc-analytics norms create NAME")
        return
    heads = ("responses", "groups", "minimum n")
    shown = table("version", "from", "to", *heads, "published", "", numbers=heads)
    for one in versions:
        shown.add_row(
            one.version,
            f"{one.range_start:%Y-%m-%d}" if one.range_start else "the first",
            f"{one.range_end:%Y-%m-%d}" if one.range_end else "the last",
            f"{one.responses:,}",
            f"{one.groups:,}",
            f"{one.minimum_n:,}",
            f"{one.published_at:%Y-%m-%d}",
            "current" if one.is_current else "",
        )
    session.console().print(shown)


@norms.command("percentile")
@click.argument("instrument")
@click.argument("trait")
@click.argument("score", type=float)
@click.option("--region", help="Region of the person.")
@click.option("--gender", help="Gender of the person.")
@click.option("--age-band", help="Age band of the person, such as 25_34.")
@click.option("--version", help="Norm version; the current one unless given.")
@pass_session
def percentile(
    session: Session,
    instrument: str,
    trait: str,
    score: float,
    region: str | None,
    gender: str | None,
    age_band: str | None,
    version: str | None,
) -> None:
    """Place a score of 0 to 100 points in the narrowest norm group that there is.

    Example:
        ioc-analytics norms percentile ipip50 openness 62.5 --gender female --age-band 25_34
    """
    with session.system() as system:
        found = system.norm_percentile(instrument, trait, score, region, gender, age_band, version)
    if session.is_json:
        session.print_json(found.to_dict())
        return
    bounds = found.confidence_interval
    click.echo(
        f"percentile {figure(found.percentile)} (95 % interval {figure(bounds.low)} to "
        f"{figure(bounds.high)})"
    )
    group = ", ".join(
        word for word in (found.region, found.gender, found.age_band) if word != "all"
    )
    click.echo(f"norm {found.version}: {group or 'everybody'}, n = {found.sample_size:,}")


@norms.command("apply")
@click.argument("version")
@pass_session
def apply(session: Session, version: str) -> None:
    """Give the stored scores the percentiles of a version; later ones get them at a refresh.

    Example:
        ioc-analytics norms apply 2025
    """
    with session.system() as system, session.progress("months") as bars:
        task = bars.add_task("filling in", total=None)
        receipt = system.apply_norms(version, progress=lambda month: bars.advance(task))
    if session.is_json:
        session.print_json(receipt.to_dict())
        return
    click.echo(f"{receipt.changed:,} scores of {len(receipt.months):,} months changed")
