"""The maintenance run: evidence, a plan of actions, and doing them one by one.

For: the facade's ``perform_maintenance``. Not for: what counts as evidence (``evidence``), or data
that are to go.

Plan and run are one code: a dry run stops before the first action. Each action waits at most
``LOCK_SECONDS`` for its lock, so that it never queues readers behind it, and is left for the next
run when it does not get it. No action starts after the time budget is used up, and none but the
building of an index goes on beyond it. What would change how statements are planned for good,
dropping an index, is named and never done.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput, Unavailable
from ioc_analytics.maintenance.evidence import (
    SEQUENCE_SHARE,
    TableEvidence,
    count_old_measurements,
    forget_old_measurements,
    read_indexes,
    read_sequences,
    read_tables,
)
from ioc_analytics.records.maintenance import MaintenanceReport, MaintenanceStep
from ioc_analytics.records.retention import RetentionPlan
from ioc_analytics.schema.partitions import (
    missing_partitions,
    premade_months,
    premake_partitions,
    read_runway,
)
from ioc_analytics.schema.views import VIEWS, PromisesBroken, refresh_view

LOCK_SECONDS: Final = 2
BUDGET_SECONDS: Final = 900.0
_USED_UP: Final = "the time budget was used up"
_LEFTOVER: Final = re.compile(r"_cc(new|old)\d*$")
"""How PostgreSQL names the half of an index that a broken-off concurrent rebuild leaves."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do."""

    text: str
    """It in words, as the report shows it."""

    do: Callable[[float], object]
    """Does it; gets the seconds that are left."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One kind of care, before it is given."""

    name: str
    actions: tuple[Action, ...]
    measure: Callable[[], Mapping[str, float]]
    """The figures that the step is to better."""

    findings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class RetentionVerbs:
    """How retention is asked, which needs more than the database."""

    preview: Callable[[], RetentionPlan]
    """Returns what would go."""

    carry_out: Callable[[], object]
    """Plans it and lets it go."""


def maintain(
    database: Database,
    retention: RetentionVerbs | None,
    *,
    is_dry_run: bool = False,
    budget_seconds: float = BUDGET_SECONDS,
    progress: Callable[[str], None] | None = None,
) -> MaintenanceReport:
    """Give the tables the care that evidence asks for.

    Args:
        database: The database.
        retention: How to ask what has expired; it goes when ``retention.apply`` is on. None:
            nobody asks.
        is_dry_run: Say what would be done, and do nothing.
        budget_seconds: No action starts later than this after the beginning.
        progress: Called with the name of each step as it begins.

    Raises:
        InvalidInput: The budget is not positive.
    """
    if budget_seconds <= 0:
        raise InvalidInput(f"a time budget is more than 0 seconds, not {budget_seconds:g}")
    started = time.monotonic()
    deadline = started + budget_seconds
    steps = []
    for step in _plan(database, retention):
        if progress:
            progress(step.name)
        steps.append(_run(step, is_dry_run, deadline))
    return MaintenanceReport(is_dry_run, tuple(steps), time.monotonic() - started)


def _run(step: PlannedStep, is_dry_run: bool, deadline: float) -> MaintenanceStep:
    started = time.monotonic()
    before = dict(step.measure())
    done: list[str] = []
    left: dict[str, str] = {}
    for action in () if is_dry_run else step.actions:
        seconds_left = deadline - time.monotonic()
        if seconds_left <= 0:
            left[action.text] = _USED_UP
            continue
        try:
            action.do(seconds_left)
        except Unavailable as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            left[action.text] = f"its lock was not to be had in {LOCK_SECONDS} s"
        except InvalidInput as error:
            if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                is_late = time.monotonic() >= deadline
                left[action.text] = _USED_UP if is_late else "it was cancelled"
            elif step.name == "retention":
                # What must be there first, such as a drilled backup, is not the others' matter.
                left[action.text] = str(error)
            else:
                raise
        except PromisesBroken as error:
            left[action.text] = str(error)
        else:
            done.append(action.text)
    return MaintenanceStep(
        step.name,
        tuple(action.text for action in step.actions),
        tuple(done),
        left,
        step.findings,
        time.monotonic() - started,
        before,
        dict(step.measure()) if done else before,
    )


def _plan(database: Database, retention: RetentionVerbs | None) -> Iterator[PlannedStep]:
    # A generator: the evidence of a step is read when the steps before it are done.
    yield _partitions(database)
    # One look for both: ANALYZE changes the evidence for VACUUM, and what was told is what is done.
    tables = _tables(database)
    yield _statistics(database, tables)
    yield _vacuum(database, tables)
    yield _indexes(database)
    yield _sequences(database)
    yield _measurements(database)
    if retention is not None:
        yield _retention(database, retention)
    yield _views(database)


def _partitions(database: Database) -> PlannedStep:
    today, days = utc_now().date(), database.config.retention_days

    def make(_: float) -> None:
        with database.connection("ingest") as connection:
            premake_partitions(connection, today, days)

    def measure() -> Mapping[str, float]:
        with database.connection("ingest") as connection:
            return {"runway_months": read_runway(connection)}

    with database.connection("ingest") as connection:
        missing = missing_partitions(connection, premade_months(today), days)
    names = ", ".join(suffix for suffix, _, _ in missing)
    actions = (Action(f"make the partitions {names}", make),) if missing else ()
    return PlannedStep("partitions", actions, measure)


def _statistics(database: Database, tables: Sequence[TableEvidence]) -> PlannedStep:
    return PlannedStep(
        "statistics",
        tuple(
            _statement(database, "ANALYZE {}", table.name, _why_statistics(table))
            for table in tables
            if table.needs_statistics and not table.needs_vacuum and not table.needs_freezing
        ),
        lambda: {"tables_without": sum(t.needs_statistics for t in _tables(database))},
    )


def _why_statistics(table: TableEvidence) -> str:
    if table.is_parent:
        return "its partitions have changed since it was last analyzed"
    return f"{table.changed_rows:,} rows changed"


def _vacuum(database: Database, tables: Sequence[TableEvidence]) -> PlannedStep:
    actions = []
    for table in tables:
        if table.needs_freezing:
            share = table.frozen_age / table.freeze_limit
            why = f"its transaction numbers are {share:.0%} of the way to a forced vacuum"
            actions.append(_statement(database, "VACUUM (FREEZE, ANALYZE) {}", table.name, why))
        elif table.needs_vacuum:
            why = f"{table.dead_rows:,} dead beside {table.live_rows:,} live rows"
            actions.append(_statement(database, "VACUUM (ANALYZE) {}", table.name, why))

    def measure() -> Mapping[str, float]:
        tables = _tables(database)
        return {
            "dead_rows": sum(table.dead_rows for table in tables),
            "size_bytes": sum(table.size_bytes for table in tables),
            "empty_bytes": sum(table.empty_bytes for table in tables),
            "tables_to_freeze": sum(table.needs_freezing for table in tables),
        }

    findings = tuple(
        f"about {table.empty_bytes:,} of the {table.size_bytes:,} bytes of {table.name} are empty: "
        "VACUUM FULL, which locks everybody out, or pg_repack gives them back"
        for table in tables
        if table.is_bloated
    )
    return PlannedStep("vacuum", tuple(actions), measure, findings)


def _indexes(database: Database) -> PlannedStep:
    with database.connection("owner") as connection:
        found = read_indexes(connection)
    findings = [
        f"{index.name} is the same as {index.repeats} ({index.size_bytes:,} bytes)"
        for index in found
        if index.repeats is not None
    ]
    findings += [
        f"{index.name} on {index.table_name} has not been used ({index.size_bytes:,} bytes)"
        for index in found
        if index.is_unused and index.repeats is None
    ]

    def measure() -> Mapping[str, float]:
        with database.connection("owner") as connection:
            return {"invalid_indexes": sum(index.is_invalid for index in read_indexes(connection))}

    return PlannedStep(
        "indexes",
        tuple(_rebuild(database, index.name) for index in found if index.is_invalid),
        measure,
        tuple(findings),
    )


def _rebuild(database: Database, name: str) -> Action:
    if _LEFTOVER.search(name):
        why = "a broken-off rebuild left it"
        return _statement(database, "DROP INDEX CONCURRENTLY {}", name, why, is_cut_off=False)
    why = "it is invalid"
    return _statement(database, "REINDEX INDEX CONCURRENTLY {}", name, why, is_cut_off=False)


def _sequences(database: Database) -> PlannedStep:
    with database.connection("owner") as connection:
        sequences = read_sequences(connection)
    used = max((sequence.used_share for sequence in sequences), default=0.0)
    findings = tuple(
        f"{sequence.name} has used {sequence.used_share:.0%} of its numbers"
        for sequence in sequences
        if sequence.used_share >= SEQUENCE_SHARE
    )
    return PlannedStep("sequences", (), lambda: {"most_used_share": used}, findings)


def _measurements(database: Database) -> PlannedStep:
    days = database.config.measurement_days
    before = utc_now() - timedelta(days=days)

    def old() -> int:
        with database.connection("owner") as connection:
            return count_old_measurements(connection, before)

    def forget(_: float) -> None:
        with database.connection("owner") as connection:
            forget_old_measurements(connection, before)

    found = old()
    text = f"delete {found:,} measured figures older than {days} days"
    return PlannedStep(
        "measurements",
        (Action(text, forget),) if found else (),
        lambda: {"old_figures": old()},
    )


def _retention(database: Database, retention: RetentionVerbs) -> PlannedStep:
    try:
        plan = retention.preview()
    except IntegrityFailure as error:
        # The other steps do not judge by age.
        return PlannedStep("retention", (), dict, (str(error),))
    expired = plan.described()
    kept = tuple(f"{what} has expired and is kept ({reason})" for what, reason in plan.kept.items())
    if not expired or not database.config.retention.apply:
        told = tuple(f"{what} expired: `retention plan` shows it" for what in expired)
        return PlannedStep("retention", (), lambda: {"raw_rows": plan.raw_rows}, (*told, *kept))
    return PlannedStep(
        "retention",
        (
            Action(
                f"let go what has expired: {', '.join(expired)}",
                _without_limit(retention.carry_out),
            ),
        ),
        lambda: {"raw_rows": retention.preview().raw_rows},
        kept,
    )


def _views(database: Database) -> PlannedStep:
    return PlannedStep(
        "views",
        tuple(
            Action(f"refresh {view}", _without_limit(partial(refresh_view, database, view)))
            for view in VIEWS
        ),
        lambda: {"views": len(VIEWS)},
    )


def _without_limit(do: Callable[[], object]) -> Callable[[float], object]:
    return lambda seconds_left: do()


def _tables(database: Database) -> list[TableEvidence]:
    with database.connection("owner") as connection:
        return read_tables(connection)


def _statement(
    database: Database, text: LiteralString, name: str, why: str, *, is_cut_off: bool = True
) -> Action:
    schema, _, relation = name.partition(".")
    statement = sql.SQL(text).format(sql.Identifier(schema, relation))

    def do(seconds_left: float) -> None:
        # None of these may stand in a transaction.
        with database.connection("owner") as connection:
            connection.rollback()
            connection.autocommit = True
            try:
                connection.execute(
                    sql.SQL("SET lock_timeout = {}").format(sql.Literal(f"{LOCK_SECONDS}s"))
                )
                # Half an index is worse than a late one; the others only go on another day.
                limit = max(int(seconds_left * 1000), 1) if is_cut_off else 0
                connection.execute(
                    sql.SQL("SET statement_timeout = {}").format(sql.Literal(str(limit)))
                )
                connection.execute(statement)
            finally:
                if not connection.closed:
                    connection.execute("RESET lock_timeout")
                    connection.execute("RESET statement_timeout")
                    connection.autocommit = False

    return Action(f"{text.format(name)}: {why}", do)
