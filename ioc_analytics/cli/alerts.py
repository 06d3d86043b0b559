"""``alerts``: what is wrong, taking it on, and quiet for planned work.

Not for: the limits and routes (settings ``alerts.*``) or what to do (``docs/runbooks``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from ioc_analytics.cli.commands import PlatformGroup
from ioc_analytics.cli.session import Session, pass_session, table

if TYPE_CHECKING:
    from ioc_analytics.records.alerts import Alert


@click.group(cls=PlatformGroup)
def alerts() -> None:
    """See alerts, take them on, silence them.

    Example:
        ioc-analytics alerts check
        ioc-analytics alerts list
    """


@alerts.command("list")
@click.option("--days", default=0.0, show_default=True, help="Also those that ended since.")
@pass_session
def show(session: Session, days: float) -> None:
    """List open alerts, the newest first.

    Example:
        ioc-analytics alerts list --days 7
    """
    with session.system() as system:
        found = system.list_alerts(since=datetime.now(UTC) - timedelta(days=days))
    _print(session, found)


@alerts.command("check")
@pass_session
def check(session: Session) -> None:
    """Measure, evaluate the rules, and tell people of what is new.

    Example:
        ioc-analytics alerts check
    """
    with session.system() as system:
        found = system.check_for_alerts()
    _print(session, found)


@alerts.command("ack")
@click.argument("alert_id", type=int, metavar="ID")
@click.option("--note", help="What is being done.")
@pass_session
def ack(session: Session, alert_id: int, note: str | None) -> None:
    """Take an open alert on; it stays open, and nobody is told of it again.

    Example:
        ioc-analytics alerts ack 12 --note "disk is ordered"
    """
    with session.system() as system:
        system.acknowledge_alert(alert_id, note)
    if session.is_json:
        session.print_json({"acknowledged": alert_id})
        return
    click.echo(f"alert {alert_id} is yours")


@alerts.command("silence")
@click.argument("rule")
@click.option("--hours", default=1.0, show_default=True, help="0 ends the silence.")
@click.option("--reason", default="planned work", show_default=True, help="Why.")
@pass_session
def silence(session: Session, rule: str, hours: float, reason: str) -> None:
    """Tell nobody of a rule's alerts, or of all; they are raised and listed all the same.

    Example:
        ioc-analytics alerts silence disk_full --hours 2 --reason "moving data"
    """
    with session.system() as system:
        ends_at = system.silence_alerts(rule, hours, reason)
    if session.is_json:
        session.print_json({"rule": rule, "ends_at": ends_at and ends_at.isoformat()})
        return
    until = f"silent until {ends_at:%Y-%m-%d %H:%M}" if ends_at else "told again"
    click.echo(f"alerts of {rule} are {until}")


@alerts.command("replay")
@click.option("--hours", default=24.0, show_default=True, help="How far back.")
@pass_session
def replay(session: Session, hours: float) -> None:
    """Show what today's rules would have raised on recorded figures; keeps and tells nothing.

    Example:
        ioc-analytics alerts replay --hours 168
    """
    now = datetime.now(UTC)
    with session.system() as system:
        found = system.replay_alerts(now - timedelta(hours=hours), now)
    if session.is_json:
        session.print_json(
            {
                "transitions": [
                    {
                        "rule": one.rule.name,
                        "event": "raised" if one.is_raised else "resolved",
                        "at": one.at.isoformat(),
                        "value": one.value,
                    }
                    for one in found
                ]
            }
        )
        return
    shown = table("at", "event", "what")
    for one in found:
        event = "raised" if one.is_raised else "resolved"
        shown.add_row(f"{one.at:%Y-%m-%d %H:%M:%S}", event, one.rule.summary(one.value))
    session.console().print(shown)


def _print(session: Session, found: Sequence["Alert"]) -> None:
    if session.is_json:
        session.print_json({"alerts": [one.to_dict() for one in found]})
        return
    if not found:
        click.echo("no alerts")
        return
    shown = table("id", "severity", "since", "what", "state", "what to do")
    for one in found:
        shown.add_row(
            str(one.id),
            one.severity,
            f"{one.started_at:%Y-%m-%d %H:%M}",
            one.summary,
            _state(one),
            one.runbook,
        )
    session.console().print(shown)


def _state(alert: "Alert") -> str:
    if alert.resolved_at:
        return f"ended {alert.resolved_at:%Y-%m-%d %H:%M}"
    if alert.acknowledged_by:
        return f"taken on by {alert.acknowledged_by}"
    return "silenced" if alert.silenced_until else "open"
