"""``risks``: early warnings.

Not for: the figures themselves (``insight.risks``); this prints them.
"""

from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformCommand
from ioc_analytics.cli.conditions import filter_option, parse_conditions
from ioc_analytics.cli.session import Session, figure, pass_session, show_withheld, table
from ioc_analytics.cli.sparklines import draw_course

if TYPE_CHECKING:
    from ioc_analytics.insight.risks import RiskAssessment


@click.command(cls=PlatformCommand)
@filter_option
@pass_session
def risks(session: Session, conditions: tuple[str, ...]) -> None:
    """Show whether completion, quality, careless answers or AI agreement turned worse.

    The newest 8 mature weeks are compared with up to a year before them.

    Example:
        ioc-analytics risks
        ioc-analytics risks --filter industry=Technology --json
    """
    filters = parse_conditions(conditions)
    with session.system() as system:
        found = system.assess_risks(filters)
    if session.is_json:
        session.print_json(found.to_dict())
    else:
        show_risks(session, found)


def show_risks(session: Session, found: "RiskAssessment") -> None:
    """Print an assessment for people."""
    numbers = ("newest", "weighted", "limits", "expected", "p", "n")
    rows = table("severity", "metric", *numbers, "since", "8 weeks", numbers=numbers)
    for risk in sorted(found.watched, key=lambda one: one.p_value):
        decimals = 2 if risk.unit == "points" else 4
        ends = (risk.interval.low, risk.interval.high)
        rows.add_row(
            risk.severity or "-",
            risk.metric,
            figure(risk.value, decimals),
            figure(risk.weighted, decimals),
            " to ".join(figure(end, decimals) for end in ends),
            figure(risk.expected, decimals),
            f"{risk.p_value:.2g}",
            f"{risk.sample_size:,}",
            str(risk.since or "-"),
            draw_course([week.value for week in risk.evidence]),
        )
    if rows.row_count:
        session.console().print(rows)
    click.echo(
        f"{len(found.risks)} raised of {len(found.watched)} watched; where nothing has changed, "
        f"at most {found.false_alarm_rate:.1%} of the metrics are raised in a week"
    )
    show_withheld(found.withheld)
