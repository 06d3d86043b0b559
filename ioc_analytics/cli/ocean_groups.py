"""``ocean compare`` and ``ocean over-time``: the traits of groups and of periods.

Not for: the figures themselves (``insight.comparisons`` and its neighbours); this draws tables.
"""

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.conditions import parse_conditions, selection_options
from ioc_analytics.cli.session import Session, figure, pass_session, show_withheld, table
from ioc_analytics.cli.sparklines import ranged_sparkline
from ioc_analytics.records.vocabularies import TRAITS


@click.command(cls=PlatformCommand)
@click.option("--by", required=True, metavar="DIMENSION", help="What makes the groups.")
@selection_options
@pass_session
def compare(
    session: Session, by: str, conditions: tuple[str, ...], start: str | None, end: str | None
) -> None:
    """Compare the five traits between groups: Welch's test and the share explained.

    Dimensions: industry, size, region, age_band, gender, device_type, assessment_type, instrument.
    With --json also every pair of groups.

    Example:
        ioc-analytics ocean compare --by industry
        ioc-analytics ocean compare --by gender --filter instrument=ipip50 --json
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        answer = system.compare_groups(by, filters, {"start": start, "end": end})
    if session.is_json:
        session.print_json(answer.to_dict())
        return
    heads = ("n", "mean", "SD")
    groups = table("trait", "group", *heads, numbers=heads)
    tests = table("trait", "Welch's F", "p adjusted", "eta²", "omega²", numbers=("p adjusted",))
    for trait in answer.traits:
        for group in trait.groups:
            numbers = (f"{group.sample_size:,}", figure(group.mean), figure(group.std_dev))
            groups.add_row(trait.name, group.name, *numbers)
        share = trait.variance_explained
        tests.add_row(
            trait.name,
            figure(trait.welch.statistic if trait.welch else None, 2),
            figure(trait.adjusted_p_value, 4),
            figure(share.eta_squared if share else None, 4),
            figure(share.omega_squared if share else None, 4),
        )
    console = session.console()
    console.print(groups)
    console.print(tests)
    for warning in answer.warnings:
        click.echo(f"note: {warning}")
    show_withheld(answer.withheld)


@click.command("over-time", cls=PlatformCommand)
@click.option("--interval", default="monthly", show_default=True, help="monthly or quarterly.")
@selection_options
@pass_session
def over_time(
    session: Session,
    interval: str,
    conditions: tuple[str, ...],
    start: str | None,
    end: str | None,
) -> None:
    """Show the five traits month by month or quarter by quarter.

    Example:
        ioc-analytics ocean over-time
        ioc-analytics ocean over-time --interval quarterly --filter industry=Technology
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        history = system.ocean_over_time(interval, filters, {"start": start, "end": end})
    if session.is_json:
        session.print_json(history.to_dict())
        return
    heads = ("n", "mean", "95 % CI", "median")
    points = table("period from", "trait", *heads, numbers=heads)
    for point in history.points:
        bounds = point.confidence_interval
        points.add_row(
            f"{point.period_start}",
            point.trait,
            f"{point.sample_size:,}",
            figure(point.average),
            f"{bounds.low:.1f} to {bounds.high:.1f}" if bounds else "-",
            figure(point.median),
        )
    for trait in TRAITS:
        means = [point.average for point in history.points if point.trait == trait]
        click.echo(f"{trait:<17}  {ranged_sparkline(means)}")
    session.console().print(points)
