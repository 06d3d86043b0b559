"""``ocean``: the analysis of the five traits.

Not for: the figures themselves (``insight.ocean``); this draws tables. Its
subcommands stand in ``cli.ocean_groups`` and ``cli.ocean_checks``.
"""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformGroup
from ioc_analytics.cli.conditions import parse_conditions, selection_options
from ioc_analytics.cli.ocean_checks import careless, items, outliers, raters
from ioc_analytics.cli.ocean_groups import compare, over_time
from ioc_analytics.cli.session import Session, figure, pass_session, show_withheld, table
from ioc_analytics.cli.sparklines import sparkline

if TYPE_CHECKING:
    from ioc_analytics.insight.ocean import OceanAnalysis


@click.group(cls=PlatformGroup, invoke_without_command=True)
@selection_options
@click.option(
    "--reliability-from-rows",
    is_flag=True,
    help="With filters: read reliability from the answers, which takes longer.",
)
@pass_session
@click.pass_context
def ocean(
    context: click.Context,
    session: Session,
    conditions: tuple[str, ...],
    start: str | None,
    end: str | None,
    reliability_from_rows: bool,
) -> None:
    """Show distributions, correlations and reliability of the five traits.

    Fields: industry, size, region, organization, age_band, gender, device_type, assessment_type,
    instrument, is_careless.

    Example:
        ioc-analytics ocean
        ioc-analytics ocean --filter industry=Technology --from 2025-01-01 --to 2025-07-01
        ioc-analytics ocean --filter is_careless=false --json
        ioc-analytics ocean compare --by industry
    """
    if context.invoked_subcommand:
        if conditions or start or end or reliability_from_rows:
            raise click.UsageError(f"options of {context.invoked_subcommand} stand after its name")
        return
    filters = parse_conditions(conditions)
    with session.system() as system:
        analysis = system.get_ocean_analysis(
            filters,
            {"start": start, "end": end},
            reliability_from_rows=reliability_from_rows,
        )
    if session.is_json:
        session.print_json(analysis.to_dict())
    else:
        show_analysis(session, analysis)


for _command in (compare, over_time, items, outliers, careless, raters):
    ocean.add_command(_command)


def show_analysis(session: Session, analysis: "OceanAnalysis") -> None:
    """Print an analysis for people."""
    console = session.console()
    heads = ("n", "mean", "95 % CI", "SD", "p5", "p25", "p50", "p75", "p95", "alpha", "omega")
    traits = table("trait", *heads, "0 to 100", numbers=heads)
    for trait in analysis.traits:
        interval = trait.confidence_interval
        reliability = trait.reliability
        traits.add_row(
            trait.name,
            f"{trait.sample_size:,}",
            figure(trait.average),
            f"{interval.low:.1f} to {interval.high:.1f}" if interval else "-",
            figure(trait.std_dev),
            *(figure(trait.percentiles.get(p)) for p in (5, 25, 50, 75, 95)),
            figure(reliability.alpha if reliability else None, 2),
            figure(reliability.omega_total if reliability else None, 2),
            sparkline(trait.histogram.counts) if trait.histogram else "-",
        )
    console.print(traits)
    names = [trait.name for trait in analysis.traits]
    matrix = table(
        "correlation", *(name[:4] for name in names), numbers=tuple(n[:4] for n in names)
    )
    for name in names:
        row = [analysis.correlations.get(name, {}).get(other) for other in names]
        matrix.add_row(name, *(figure(one.r if one else None, 2) for one in row))
    console.print(matrix)
    _show_foot(analysis)


def _show_foot(analysis: "OceanAnalysis") -> None:
    loaded = f"{analysis.as_of:%Y-%m-%d %H:%M:%S} UTC" if analysis.as_of else "-"
    instruments = ", ".join(f"{name} {n:,}" for name, n in analysis.by_instrument.items())
    click.echo(f"n = {analysis.sample_size:,} scored responses ({instruments}), as of {loaded}")
    source = analysis.source
    if source.days_from_rows:
        click.echo(f"read from rows: {source.days_from_rows:,} days; `refresh` makes them fast")
    show_withheld(analysis.withheld)
