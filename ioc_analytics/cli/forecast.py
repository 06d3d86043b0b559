"""``forecast``: what a metric will be.

Not for: the figures themselves (``insight.forecasts``); this draws them.
"""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.conditions import filter_option, parse_conditions
from ioc_analytics.cli.session import Session, figure, pass_session, show_withheld, table
from ioc_analytics.cli.sparklines import draw_course

if TYPE_CHECKING:
    from ioc_analytics.insight.forecasts import Forecast
    from ioc_analytics.insight.prediction_ledger import BandScores, PastScores


@click.command(cls=PlatformCommand)
@click.argument("metric", metavar="NAME")
@click.option(
    "--horizon",
    type=click.IntRange(1, 3_650),
    metavar="N",
    help="Periods ahead; 14 days, 8 weeks, 3 months or 2 quarters unless given.",
)
@click.option(
    "--interval",
    default="daily",
    show_default=True,
    help="Length of the periods: daily, weekly, monthly or quarterly.",
)
@filter_option
@pass_session
def forecast(
    session: Session, metric: str, horizon: int | None, interval: str, conditions: tuple[str, ...]
) -> None:
    """Show what a metric will be, with 90 % intervals, and how far the model can be trusted.

    NAME is a metric, such as response_volume, completion_rate, data_quality_score or openness.
    What was said is kept in predictive_analytics_results and scored once the truth has come.

    Example:
        ioc-analytics forecast response_volume
        ioc-analytics forecast completion_rate --interval weekly --horizon 4
        ioc-analytics forecast openness --filter industry=Technology --json
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        found = system.forecast(metric, horizon, interval, filters)
    if session.is_json:
        session.print_json(found.to_dict())
    else:
        show_forecast(session, found)


def show_forecast(session: Session, found: "Forecast") -> None:
    """Print a forecast for people."""
    decimals = 4 if found.unit == "share" else 2
    click.echo(
        f"{found.metric} ({found.unit}), {found.interval}: {found.horizon} periods ahead, "
        f"model {found.model} (version {found.version}), "
        f"n = {found.sample_size:,} mature periods"
    )
    if found.naive_wins:
        click.echo("nothing beat repeating the last season or value")
    past = [point.value for point in found.history if point.value is not None]
    to_come = [point.value for point in found.points]
    drawn = draw_course([*past, *to_come])
    click.echo(f"{drawn[: len(past)]}│{drawn[len(past) :]}  past │ to come")
    heads = ("value", "low", "high")
    rows = table("from", "to", *heads, numbers=heads)
    for point in found.points:
        ends = (point.interval.low, point.interval.high)
        rows.add_row(
            str(point.start),
            str(point.end),
            *(figure(value, decimals) for value in (point.value, *ends)),
        )
    session.console().print(rows)
    level = found.points[0].interval.level
    backtest = found.accuracy.backtest
    click.echo(
        f"backtest: off by {figure(backtest.mean_absolute_error, decimals)} on average, "
        f"{level:.0%} intervals covered {_percent(backtest.coverage)}"
    )
    click.echo(f"earlier forecasts: {told_scores(found.accuracy.past, decimals)}")
    for band in found.accuracy.past.bands if found.accuracy.past else ():
        click.echo(
            f"  {band.model}, {_ahead(band)}: {band.predictions:,} scored, off by "
            f"{figure(band.mean_absolute_error, decimals)}, covered {_percent(band.coverage)}"
        )
    show_withheld(found.withheld)


def told_scores(past: "PastScores | None", decimals: int) -> str:
    """Return in words how earlier predictions turned out."""
    if past is None:
        return "none has been scored yet"
    return (
        f"{past.predictions:,} scored ({past.first} to {past.last}), off by "
        f"{figure(past.mean_absolute_error, decimals)} on average, intervals covered "
        f"{_percent(past.coverage)}"
    )


def _ahead(band: "BandScores") -> str:
    if band.days_from is None:
        return "no horizon said"
    return f"{band.days_from} {f'to {band.days_to}' if band.days_to else 'or more'} days ahead"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
