"""``completion``: which of the open responses will be completed.

Not for: the figures themselves (``insight.completion``); this prints them.
"""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.conditions import filter_option, parse_conditions
from ioc_analytics.cli.forecast import told_scores
from ioc_analytics.cli.session import Session, figure, pass_session, table

if TYPE_CHECKING:
    from ioc_analytics.insight.completion import CompletionPrediction

_AGES = ((0, 6), (6, 24), (24, 72), (72, 336))
"""Hours open by which the responses are shown together; nobody is listed."""


@click.command(cls=PlatformCommand)
@filter_option
@pass_session
def completion(session: Session, conditions: tuple[str, ...]) -> None:
    """Show how many of the responses that are open now will be completed within 14 days.

    The probability of each open response is in the JSON.

    Example:
        ioc-analytics completion
        ioc-analytics completion --filter industry=Technology --json
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        found = system.predict_completion(filters)
    if session.is_json:
        session.print_json(found.to_dict())
    else:
        show_completion(session, found)


def show_completion(session: Session, found: "CompletionPrediction") -> None:
    """Print a prediction for people."""
    click.echo(
        f"{found.value:.1f} ({found.interval.low:.1f} to {found.interval.high:.1f}) of "
        f"{found.open_responses:,} open responses will be completed within {found.horizon_days} "
        f"days of {found.moment:%Y-%m-%d %H:%M}; model {found.model} (version {found.version}), "
        f"n = {found.sample_size:,} earlier ones"
    )
    hours = found.responses["hours_open"]
    rows = table("hours open", "responses", "mean probability", numbers=("responses",))
    for low, high in _AGES:
        chosen = found.responses[(hours >= low) & (hours < high)]
        if len(chosen):
            mean = figure(float(chosen["probability"].mean()), 2)
            rows.add_row(f"{low} to {high}", f"{len(chosen):,}", mean)
    if rows.row_count:
        session.console().print(rows)
    backtest = found.accuracy.backtest
    slope = backtest.calibration.slope if backtest.calibration else None
    click.echo(
        f"backtest: Brier score {backtest.brier:.3f}, calibration slope {figure(slope, 2)}, "
        f"over {found.accuracy.evaluated:,} later responses"
    )
    click.echo(f"earlier predictions: {told_scores(found.accuracy.past, 3)}")
