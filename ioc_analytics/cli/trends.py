"""``trends``: whether a metric rises or falls.

Not for: the figures themselves (``insight.trends``); this draws tables.
"""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.conditions import parse_conditions
from ioc_analytics.cli.session import Session, figure, pass_session, show_withheld, table
from ioc_analytics.cli.sparklines import ranged_sparkline

if TYPE_CHECKING:
    from ioc_analytics.insight.trends import TrendAnalysis, TrendPoint

_LINE = 60


@click.command(cls=PlatformCommand)
@click.argument("metric", metavar="NAME")
@click.option(
    "--interval",
    default="daily",
    show_default=True,
    help="Length of the periods: daily, weekly, monthly or quarterly.",
)
@click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only these responses; FIELD!=VALUE for all others. The same field twice: either value.",
)
@click.option("--from", "start", metavar="DATE", help="First day, or an ISO time (UTC).")
@click.option("--to", "end", metavar="DATE", help="End, itself left out.")
@click.option(
    "--points", "n_points", type=click.IntRange(0), default=20, show_default=True,
    help="Newest periods in the table.",
)  # fmt: skip
@pass_session
def trends(
    session: Session,
    metric: str,
    interval: str,
    conditions: tuple[str, ...],
    start: str | None,
    end: str | None,
    n_points: int,
) -> None:
    """Show whether a metric rises or falls, its season, jumps and odd periods.

    NAME is a metric, such as completion_rate, response_volume, median_time_spent or openness.

    Example:
        ioc-analytics trends completion_rate
        ioc-analytics trends openness --interval monthly --from 2024-01-01 --to 2026-01-01
        ioc-analytics trends response_volume --filter industry=Technology --json
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        analysis = system.analyze_trends(metric, {"start": start, "end": end}, interval, filters)
    if session.is_json:
        session.print_json(analysis.to_dict())
    else:
        show_trends(session, analysis, n_points)


def show_trends(session: Session, analysis: "TrendAnalysis", n_points: int) -> None:
    """Print an analysis for people."""
    decimals = 4 if analysis.unit == "share" else 2
    click.echo(f"{analysis.metric} ({analysis.unit}), {analysis.interval}: {analysis.trend}")
    if analysis.slope is not None and analysis.slope_interval is not None:
        interval = analysis.slope_interval
        click.echo(
            f"slope {analysis.slope:+.{decimals + 1}f} a period, {interval.level:.0%} CI "
            f"{interval.low:+.{decimals + 1}f} to {interval.high:+.{decimals + 1}f}, "
            f"p = {analysis.significance:.3g}, tau = {analysis.correlation:+.2f}, "
            f"n = {analysis.sample_size:,} periods ({analysis.method})"
        )
    season = analysis.seasonality
    if season:
        click.echo(
            f"season of {season.period}: {season.strength:.0%} of the variance, "
            f"p = {season.significance:.3g}"
        )
    click.echo(_draw(analysis))
    for jump in analysis.change_points:
        click.echo(f"jump on {jump.start}: {jump.before:.{decimals}f} to {jump.after:.{decimals}f}")
    rows = table(
        "from", "to", "value", "expected", "n", "", numbers=("value", "expected", "n")
    )  # fmt: skip
    for point in analysis.points[len(analysis.points) - n_points :] if n_points else ():
        rows.add_row(
            str(point.start),
            str(point.end),
            figure(point.value, decimals),
            figure(point.expected, decimals),
            f"{point.sample_size:,}",
            "odd" if point.is_anomaly else "" if point.is_mature else "not mature",
        )
    if rows.row_count:
        session.console().print(rows)
    for anomaly in analysis.anomalies:
        click.echo(
            f"odd: {anomaly.start}: {anomaly.value:.{decimals}f}, expected "
            f"{anomaly.expected:.{decimals}f} ({anomaly.score:+.1f} SD)"
        )
    show_withheld(analysis.withheld)


def _draw(analysis: "TrendAnalysis") -> str:
    """Return the newest mature periods as bars between their lowest and highest value."""
    newest: list[TrendPoint] = [
        point for point in analysis.points if point.is_mature and point.value is not None
    ][-_LINE:]
    drawn = ranged_sparkline([point.value for point in newest])
    return f"{drawn}, newest {len(newest)} mature periods"
