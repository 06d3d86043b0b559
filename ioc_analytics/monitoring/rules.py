"""When a figure is an alert: rules, and the pure step from one measurement to the next.

For: ``monitoring.alerts``, which feeds recorded figures in. Not for: telling people
(``monitoring.routing``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.quality import Severity

Phase = Literal["well", "pending", "firing", "clearing"]

MARGIN: Final = 0.05
"""How far inside its limit, as a share of it, a figure must come before an alert can end."""


MOST_UNARCHIVED_SECONDS: Final = 600
"""The server tries each segment again every minute; what it cannot archive fills its own disk."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One figure with its limit."""

    name: str
    component: str
    metric: str
    severity: Severity
    limit: float
    unit: str
    what: str
    """What is wrong, in a few words."""

    is_floor: bool = False
    """Whether lower is worse."""

    hold_seconds: float = 0
    """How long the figure must stay beyond its limit to raise, and within it to end."""

    margin: float = MARGIN
    """Share of the limit that an open alert asks for besides; 0 for a figure that moves in whole
    steps, or that could not pass the limit by that much."""

    scale: float = 1
    """Measured figures are multiplied by it to be in the unit of the limit."""

    runbooks: str = "docs/runbooks"
    """Folder or address of the pages that say what to do."""

    @property
    def runbook(self) -> str:
        """The page that says what to do."""
        return f"{self.runbooks}/{self.name}.md"

    def is_beyond(self, value: float, *, is_open: bool) -> bool:
        """Return whether a value is trouble; an open alert asks for a little more to end."""
        way = 1 if self.is_floor else -1
        limit = self.limit * (1 + way * self.margin) if is_open else self.limit
        return value < limit if self.is_floor else value > limit

    def summary(self, value: float) -> str:
        """Return one sentence for people."""
        side = "at least" if self.is_floor else "at most"
        return f"{self.what}: {value:,.4g} {self.unit}, {side} {self.limit:,.4g} is well"


@dataclass(frozen=True, slots=True)
class State:
    """Where a rule stands."""

    phase: Phase
    since: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded figure."""

    measured_at: datetime
    component: str
    metric: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule that began or ceased to fire."""

    rule: Rule
    is_raised: bool
    at: datetime
    """When the breach began, or ended."""

    value: float
    """The figure that decided, in the unit of the limit."""


def step(rule: Rule, state: State, value: float, moment: datetime) -> State:
    """Return where a rule stands after one more value.

    well -> pending -> firing -> clearing -> well; a figure that is back before it has held falls
    back to where it came from, and nobody hears of it.
    """
    is_open = state.phase in ("firing", "clearing")
    is_beyond = rule.is_beyond(value, is_open=is_open)
    resting: Phase = "firing" if is_open else "well"
    moving: Phase = "clearing" if is_open else "pending"
    if is_beyond == is_open:
        return state if state.phase == resting else State(resting, moment)
    if state.phase == resting:
        state = State(moving, moment)
    if moment - state.since >= timedelta(seconds=rule.hold_seconds):
        return State("well" if is_open else "firing", moment)
    return state


def replay(
    rules: Iterable[Rule], samples: Iterable[Sample], states: Mapping[str, State] | None = None
) -> tuple[dict[str, State], list[Transition]]:
    """Step through recorded figures.

    Args:
        rules: Each figure may have several.
        samples: In the order of their times; a figure that could not be had moves nothing.
        states: Where the rules stood before; well, unless given.
    """
    current = dict(states or {})
    by_figure: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        by_figure.setdefault((rule.component, rule.metric), []).append(rule)
    transitions = []
    for sample in samples:
        if sample.value is None:
            continue
        for rule in by_figure.get((sample.component, sample.metric), ()):
            value = sample.value * rule.scale
            before = current.get(rule.name, State("well", sample.measured_at))
            after = step(rule, before, value, sample.measured_at)
            current[rule.name] = after
            was_open = before.phase in ("firing", "clearing")
            is_open = after.phase in ("firing", "clearing")
            if was_open != is_open:
                has_waited = before.phase in ("pending", "clearing")
                at = before.since if has_waited else sample.measured_at
                transitions.append(Transition(rule, is_open, at, value))
    return current, transitions


def build_rules(config: AnalyticsConfig) -> tuple[Rule, ...]:
    """Return the rules with the limits of the settings."""
    limits = config.alerts.limits
    hold = config.alerts.hold_seconds
    jumpy = (
        Rule(
            "memory_short", "host", "memory_usage", "warning", limits.memory_percent, "percent",
            "memory in use",
        ),
        Rule(
            "processors_busy", "host", "cpu_usage", "warning", limits.cpu_percent, "percent",
            "processors in use",
        ),
        Rule(
            "connections_short", "database", "connections_percent", "error",
            limits.connections_percent, "percent", "connections of the server in use",
        ),
        Rule(
            "answers_slow", "query", "average_time", "warning", limits.query_milliseconds,
            "milliseconds", "time of an answer on average",
        ),
        Rule(
            "queries_fail", "query", "error_rate", "error", limits.query_error_percent, "percent",
            "questions that failed", scale=100,
        ),
    )  # fmt: skip
    steady = (
        Rule(
            "disk_full", "host", "disk_usage", "critical", limits.disk_percent, "percent",
            "disk in use",
        ),
        Rule(
            "transaction_numbers_short", "database", "xid_percent", "critical",
            limits.xid_percent, "percent", "transaction numbers used up since the oldest freeze",
        ),
        Rule(
            "transaction_open_long", "database", "transaction_seconds", "warning",
            limits.transaction_seconds, "seconds", "age of the oldest transaction",
        ),
        Rule(
            "log_not_archived", "database", "unarchived_seconds", "critical",
            MOST_UNARCHIVED_SECONDS, "seconds", "log that cannot be archived", margin=0,
        ),
        Rule(
            "partitions_short", "platform", "runway_months", "critical", limits.runway_months,
            "months", "months ahead with partitions", is_floor=True, margin=0,
        ),
        Rule(
            "batch_overdue", "platform", "batch_age_hours", "warning", limits.batch_age_hours,
            "hours", "age of the newest batch",
        ),
        Rule(
            "refresh_stuck", "platform", "refresh_lag_minutes", "error",
            limits.refresh_lag_minutes, "minutes", "wait of rows to be released",
        ),
        Rule(
            "jobs_fail", "platform", "failed_jobs", "error", limits.failed_jobs, "jobs",
            "jobs failed within 24 hours",
        ),
        Rule(
            "quality_low", "platform", "quality_score", "error", limits.quality_score, "points",
            "data quality", is_floor=True, margin=0,
        ),
        Rule(
            "promise_broken", "platform", "broken_promises", "critical", 0, "checks",
            "critical data quality checks that failed",
        ),
    )  # fmt: skip
    orchestration = (
        Rule(
            "runs_fail",
            "orchestration",
            "failed_runs",
            "error",
            limits.failed_runs,
            "runs",
            "runs of Dagster failed within 24 hours",
            margin=0,
        ),
        Rule(
            "checks_fail",
            "orchestration",
            "failing_checks",
            "error",
            0,
            "checks",
            "asset checks whose newest result is a failure",
        ),
        Rule(
            "ticks_fail",
            "orchestration",
            "failing_ticks",
            "error",
            0,
            "sensors and schedules",
            "sensors and schedules whose newest tick failed",
        ),
        Rule(
            "assets_late",
            "orchestration",
            "late_assets",
            "warning",
            0,
            "assets",
            "assets that missed two of their times",
        ),
    )
    backup = Rule(
        "backup_overdue", "platform", "backup_age_hours", "error", limits.backup_age_hours,
        "hours", "age of the newest drilled backup",
    )  # fmt: skip
    held = tuple(replace(rule, hold_seconds=float(hold)) for rule in jumpy)
    rules = (*held, *steady, *orchestration, *((backup,) if config.enable_backups else ()))
    address = config.alerts.routes.runbooks_url
    if address is None:
        return rules
    return tuple(replace(rule, runbooks=address.rstrip("/")) for rule in rules)
