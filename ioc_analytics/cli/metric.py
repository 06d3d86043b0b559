"""``metric``: one metric with its interval.

Not for: the figures themselves (``insight.metrics``); this prints them.
"""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.conditions import parse_conditions
from ioc_analytics.cli.session import Session, figure, pass_session, show_withheld, table

if TYPE_CHECKING:
    from ioc_analytics.insight.metrics import MetricAnalysis

_DECIMALS = {"share": 3, "seconds": 1, "points": 2, "responses": 0, "assessments": 0}


@click.command(cls=PlatformCommand)
@click.argument("name")
@click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only these responses; FIELD!=VALUE for all others. The same field twice: either value.",
)
@click.option("--from", "start", metavar="DATE", help="First day, or an ISO time (UTC).")
@click.option("--to", "end", metavar="DATE", help="End, itself left out.")
@pass_session
def metric(
    session: Session, name: str, conditions: tuple[str, ...], start: str | None, end: str | None
) -> None:
    """Measure one metric: value, 95 % interval, sample size, design effect.

    NAME is assessment_volume, response_volume, completion_rate, abandonment_rate, avg_time_spent,
    median_time_spent, data_quality_score, ai_agreement_rate, careless_rate, or one of the five
    traits.

    Example:
        ioc-analytics metric completion_rate
        ioc-analytics metric openness --filter industry=Technology --from 2025-01-01
        ioc-analytics metric careless_rate --json
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        answer = system.analyze_metric(name, filters, {"start": start, "end": end})
    if session.is_json:
        session.print_json(answer.to_dict())
    else:
        show_metric(session, answer)


def show_metric(session: Session, answer: "MetricAnalysis") -> None:
    """Print an answer for people."""
    decimals = _DECIMALS[answer.unit]
    interval = answer.confidence
    heads = ("value", "95 % CI", "n", "design effect")
    rows = table("metric", *heads, "unit", "method", numbers=heads)
    rows.add_row(
        answer.metric,
        figure(answer.value, decimals),
        f"{figure(interval.low, decimals)} to {figure(interval.high, decimals)}"
        if interval
        else "-",
        f"{answer.sample_size:,}",
        figure(answer.design_effect, 2),
        answer.unit,
        interval.method if interval else "-",
    )
    session.console().print(rows)
    click.echo(answer.meaning)
    show_withheld(answer.withheld)
