"""Alerts from recorded figures: raised once, known until they end, answerable.

For: ``check_for_alerts`` and the ``alerts`` commands. Not for: the limits (``monitoring.rules``) or
the routes (``monitoring.routing``).
"""

from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from ioc_analytics.database.clocks import CLOCK_TOLERANCE
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.monitoring.measure import measure_health
from ioc_analytics.monitoring.routing import Notice, beat, tell
from ioc_analytics.monitoring.rules import Rule, Sample, State, Transition, build_rules, replay
from ioc_analytics.monitoring.server import read_all
from ioc_analytics.records.alerts import Alert

_LOOK_BACK: Final = timedelta(hours=24)
"""Recorded figures older than this are history: they raise nothing."""

EVERY_RULE: Final = "all"

Connection = psycopg.Connection[Any]


def check_for_alerts(database: Database) -> list[Alert]:
    """Measure, evaluate every figure that was recorded since, tell people, return open alerts."""
    moment = measure_health(database).measured_at
    config = database.config
    with database.connection("ingest") as connection:
        with connection.transaction():
            ended = _evaluate(connection, build_rules(config), moment)
        claimed = _claim(connection, config)
        alerts = read_alerts(connection, since=moment - _LOOK_BACK)
    # Told outside of any transaction: a slow route holds nothing.
    notices = [Notice(one, is_raised=True) for one in alerts if one.id in claimed]
    notices += [
        Notice(one, is_raised=False)
        for one in alerts
        if one.id in ended and one.notified_at is not None and one.silenced_until is None
    ]
    if not tell(config, notices):
        with database.connection("ingest") as connection:
            connection.execute(sqlfiles.query("monitoring/unsay_notice"), {"ids": list(claimed)})
    beat(config)
    return [one for one in alerts if one.resolved_at is None]


def replay_alerts(
    connection: Connection, config: AnalyticsConfig, start: datetime, end: datetime
) -> list[Transition]:
    """Return what the rules would have raised and ended in a recorded period; nothing is kept."""
    return replay(build_rules(config), _recorded(connection, start, end))[1]


def read_alerts(connection: Connection, *, since: datetime | None = None) -> list[Alert]:
    """Return open alerts, and those that ended since a moment; the newest first."""
    parameters = {"since": since or utc_now()}
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        return cursor.execute(sqlfiles.query("monitoring/alerts"), parameters).fetchall()


def acknowledge(connection: Connection, alert_id: int, account: str, note: str | None) -> None:
    """Take an open alert on: it stays open, and nobody is told again.

    Raises:
        InvalidInput: No alert of this number is open.
    """
    parameters = {"id": alert_id, "account": account, "note": note}
    if not read_all(connection, "acknowledge", parameters):
        raise InvalidInput(f"no alert {alert_id} is open; `ioc-analytics alerts list` shows them")


def silence(
    connection: Connection,
    config: AnalyticsConfig,
    rule: str,
    hours: float,
    reason: str,
    account: str,
) -> datetime | None:
    """Tell nobody of a rule's alerts for some hours; 0 ends its silences. Returns the end.

    Raises:
        InvalidInput: There is no such rule, or the hours are not between 0 and 8760.
    """
    rules = [EVERY_RULE, *(one.name for one in build_rules(config))]
    if rule not in rules:
        raise InvalidInput(
            f"there is no alert rule {rule!r}{did_you_mean(rule, rules)}; there are "
            f"{', '.join(rules)}"
        )
    if not 0 <= hours <= 8760:
        raise InvalidInput(f"a silence lasts between 0 and 8760 hours, not {hours:g}")
    if hours == 0:
        connection.execute(sqlfiles.query("monitoring/end_silences"), {"rule": rule})
        return None
    parameters = {"rule": rule, "hours": hours, "reason": reason, "account": account}
    ends_at: datetime = read_all(connection, "silence", parameters)[0]["ends_at"]
    return ends_at


def _evaluate(connection: Connection, rules: tuple[Rule, ...], moment: datetime) -> set[int]:
    """Bring rules and alerts up to a moment; returns the alerts that ended."""
    # Two checks at once take turns; the second finds nothing left to evaluate.
    connection.execute("LOCK TABLE internal.alert_states IN SHARE ROW EXCLUSIVE MODE")
    kept = read_all(connection, "alert_states")
    # Of a clock that has gone back since: what is to come is not waited for.
    states = {row["rule"]: State(row["phase"], min(row["since"], moment)) for row in kept}
    ahead, just_before = moment + CLOCK_TOLERANCE, moment - timedelta(microseconds=1)
    evaluated = {
        row["rule"]: just_before if row["evaluated_at"] > ahead else row["evaluated_at"]
        for row in kept
    }
    ended: set[int] = set()
    oldest = moment - _LOOK_BACK
    for rule in rules:
        after = max(evaluated.get(rule.name, oldest), oldest)
        samples = _recorded(connection, after, moment, rule)
        if not samples:
            continue
        found, transitions = replay([rule], samples, states)
        for one in transitions:
            ended |= _apply(connection, one)
        if rule.name in found:
            _keep(connection, rule.name, found[rule.name], samples[-1].measured_at)
    return ended


def _recorded(
    connection: Connection, after: datetime, until: datetime, rule: Rule | None = None
) -> list[Sample]:
    figure = (rule.component, rule.metric) if rule else (None, None)
    parameters = {"after": after, "until": until, "component": figure[0], "metric": figure[1]}
    with connection.cursor(row_factory=class_row(Sample)) as cursor:
        return cursor.execute(sqlfiles.query("monitoring/recorded"), parameters).fetchall()


def _apply(connection: Connection, change: Transition) -> set[int]:
    rule = change.rule
    if not change.is_raised:
        parameters = {"rule": rule.name, "resolved_at": change.at}
        return {row["id"] for row in read_all(connection, "resolve_alert", parameters)}
    connection.execute(
        sqlfiles.query("monitoring/raise_alert"),
        {
            "rule": rule.name,
            "severity": rule.severity,
            "summary": rule.summary(change.value),
            "value": change.value,
            "threshold": rule.limit,
            "unit": rule.unit,
            "runbook": rule.runbook,
            "started_at": change.at,
        },
    )
    return set()


def _keep(connection: Connection, rule: str, state: State, evaluated_at: datetime) -> None:
    connection.execute(
        sqlfiles.query("monitoring/keep_alert_state"),
        {"rule": rule, "phase": state.phase, "since": state.since, "evaluated_at": evaluated_at},
    )


def _claim(connection: Connection, config: AnalyticsConfig) -> set[int]:
    parameters = {"repeat_hours": config.alerts.routes.repeat_hours}
    with connection.transaction():
        return {row["id"] for row in read_all(connection, "claim_notices", parameters)}
