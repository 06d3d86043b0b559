"""Retention: a plan of what goes, and carrying it out; nothing goes that was not planned.

For: the facade's ``plan_retention`` and ``apply_retention``. Not for: what has expired
(``maintenance.expiry``, ``maintenance.tiers``), or how partitions end (``maintenance.retiring``).

A month is sealed in one transaction, together with the deletion of its rows where others stay. A
partition of which all has expired is detached in a second one, and dropped in a third, when its
days of grace are over. What is done can be read off the database, so a run that was killed is
finished by applying the same plan again.

Ages are reckoned from the plan's moment, not from when it is carried out. A clock that something
speaks against stops everything (``database.clocks``): an age is only as true as the clock.
"""

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

import psycopg
from psycopg.types.json import Jsonb

from ioc_analytics.database.clocks import demand_clocks
from ioc_analytics.database.locks import advisory_lock
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import IntegrityFailure, InvalidInput, Unavailable
from ioc_analytics.maintenance.archive import archive_month
from ioc_analytics.maintenance.coverage import find_cover, holding, wanted_rows
from ioc_analytics.maintenance.expiry import find_expired, spoken, waiting_name
from ioc_analytics.maintenance.holds import RETENTION_LOCK, read_holds
from ioc_analytics.maintenance.retiring import detach, drop
from ioc_analytics.maintenance.tiers import find_expired_tiers, let_go
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.backups import Backup
from ioc_analytics.records.retention import (
    BACKUPS,
    ExpiredMonth,
    ExpiredPartition,
    ExpiredTier,
    RetentionPlan,
    RetentionReceipt,
    StoredPlan,
)
from ioc_analytics.states.rebuild import midnight, next_month
from ioc_analytics.states.sealing import seal_month

PLAN_DAYS: Final = 7
"""Days after which a plan is too old to be carried out."""

_LOCK_ATTEMPTS: Final = 5


class Audit(Protocol):
    """Appends to the audit log."""

    def __call__(
        self,
        connection: psycopg.Connection[Any],
        action: str,
        subject: str,
        *,
        parameters: str | None = None,
        row_count: int | None = None,
    ) -> None:
        """Append an entry."""


@dataclass(frozen=True, slots=True)
class Backups:
    """What retention must know of backups, and may let go."""

    known: Sequence[Backup]
    """All of them, the newest first."""

    prunable: Sequence[Backup]
    """Those that the settings let go."""

    prune: Callable[[Collection[str]], Sequence[Backup]]
    """Lets those of some ids go that the settings let go now, and returns them."""


def plan_retention(database: Database, backups: Backups, actor: str) -> RetentionPlan:
    """Plan what goes, and store the plan; nothing else is changed.

    Raises:
        IntegrityFailure: Something speaks against the clock.
    """
    plan = preview_retention(database, backups)
    with database.connection("ingest") as connection:
        row = connection.execute(
            sqlfiles.query("maintenance/retention_store"),
            {
                "planned_at": plan.planned_at,
                "planned_by": actor,
                "content": Jsonb(plan.to_dict()),
            },
        ).fetchone()
    return replace(plan, id=row[0] if row else None)


def preview_retention(database: Database, backups: Backups) -> RetentionPlan:
    """Return what would go, and store nothing.

    Raises:
        IntegrityFailure: Something speaks against the clock.
    """
    return _draft(database, backups, utc_now())


def read_plans(connection: psycopg.Connection[Any], limit: int = 20) -> list[StoredPlan]:
    """Return stored plans, the newest first."""
    rows = connection.execute(sqlfiles.query("maintenance/retention_plans"), {"limit": limit})
    return [_stored(row) for row in rows]


def read_plan(connection: psycopg.Connection[Any], plan_id: int) -> StoredPlan:
    """Return a stored plan.

    Raises:
        InvalidInput: There is none of that number.
    """
    row = connection.execute(
        sqlfiles.query("maintenance/retention_plan"), {"id": plan_id}
    ).fetchone()
    if row is None:
        raise InvalidInput(f"there is no plan {plan_id}; `retention plan` makes one")
    return _stored(row)


def apply_retention(
    database: Database,
    plan_id: int,
    backups: Backups,
    audit: Audit,
    *,
    without_backup: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> RetentionReceipt:
    """Carry a plan out, or go on with one that was interrupted.

    Args:
        database: The database.
        plan_id: The stored plan.
        backups: What there is of backups now.
        audit: Appends to the audit log.
        without_backup: Why raw rows may go although no drilled backup holds them.
        progress: Called with a word for each step.

    Raises:
        InvalidInput: The plan is done or refused, too old, does not fit any longer, or no drilled
            backup covers it.
        IntegrityFailure: Something speaks against the clock, or states differ from a recount: that
            month stays.
        Unavailable: Another process carries a plan out, or tables were not to be had.
    """
    with _alone(database):
        with database.connection("ingest") as connection:
            stored = read_plan(connection, plan_id)
        if stored.status not in ("planned", "applying"):
            raise InvalidInput(f"plan {plan_id} is {stored.status} already; plan again")
        fresh = _draft(database, backups, stored.planned_at)
        _demand_fit(database, stored, fresh)
        if fresh.backup_fault is not None and not without_backup:
            raise InvalidInput(
                f"plan {plan_id} lets raw rows go, and {fresh.backup_fault}. Nothing went; to let "
                "them go without a backup say why (`--without-backup`)"
            )
        run = _Run(database, stored, fresh, audit, without_backup, progress or (lambda step: None))
        return run.carry_out(backups)


def _draft(database: Database, backups: Backups, at: datetime) -> RetentionPlan:
    config = database.config
    now = utc_now()
    arrived_before = at - timedelta(days=config.retention_days)
    with database.connection("ingest") as connection:
        row = connection.execute(
            sqlfiles.query("maintenance/retention_ground"), {"arrived_before": arrived_before}
        ).fetchone()
        if row is None:
            raise IntegrityFailure("the server answered a SELECT of one row with none")
        last_batch, arrived = row
        demand_clocks(
            connection,
            now,
            config.retention.silence_days,
            [at, *(one.created_at for one in backups.known)],
        )
        holds = read_holds(connection)
        expiry = find_expired(
            connection,
            at,
            last_batch,
            config.retention_days,
            config.retention.grace_days,
            holds,
        )
    wanted = wanted_rows(expiry)
    cover, fault = find_cover(
        backups.known, wanted, arrived, now, config.alerts.limits.backup_age_hours
    )
    return RetentionPlan(
        planned_at=at,
        retention_days=config.retention_days,
        months=tuple(expiry.months),
        detach=tuple(expiry.detach),
        drop=tuple(expiry.drop),
        tiers=find_expired_tiers(database, at, backups.prunable, holds),
        kept=expiry.kept,
        holds=holds,
        backup=cover,
        backup_fault=fault,
        backups_with_rows=holding(backups.known, wanted),
    )


def _demand_fit(database: Database, stored: StoredPlan, fresh: RetentionPlan) -> None:
    """Refuse a plan for good when what it names is not what would go now."""
    misfit = _misfit(stored.plan, fresh)
    if utc_now() - stored.planned_at > timedelta(days=PLAN_DAYS):
        misfit = f"it is more than {PLAN_DAYS} days old"
    if misfit is None:
        return
    with database.connection("ingest") as connection:
        _settle(connection, stored.id, "refused", note=misfit)
    raise InvalidInput(f"plan {stored.id} no longer fits: {misfit}. Nothing went; plan again")


def _misfit(plan: RetentionPlan, fresh: RetentionPlan) -> str | None:
    # What is not to be found any longer went already: an interrupted run did it.
    months = {one.month: one for one in fresh.months}
    for month in plan.months:
        name = f"{month.month:%Y-%m}"
        reason = fresh.kept.get(name) or fresh.kept.get(spoken(month.period))
        if reason:
            return f"{name} is kept now ({reason})"
        now = months.get(month.month)
        if now and replace(now, needs_sealing=month.needs_sealing) != month:
            return f"the rows of {name} that would go are others than planned"
    names = [spoken(one.period) for one in plan.detach]
    names += [waiting_name(one.period) for one in plan.drop]
    for name in names:
        if name in fresh.kept:
            return f"{name} is kept now ({fresh.kept[name]})"
    return None


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    with (
        database.connection("ingest") as connection,
        advisory_lock(connection, RETENTION_LOCK, wait=False),
    ):
        # The lock belongs to the session; an open transaction would keep vacuum from its work.
        connection.commit()
        yield


class _Run:
    """One plan being carried out."""

    def __init__(
        self,
        database: Database,
        stored: StoredPlan,
        fresh: RetentionPlan,
        audit: Audit,
        without_backup: str | None,
        progress: Callable[[str], None],
    ) -> None:
        self._database = database
        self._id = stored.id
        self._plan = stored.plan
        self._fresh = fresh
        self._audit = audit
        self._without_backup = without_backup
        self._progress = progress
        self._started = time.monotonic()
        self._sealed: list[date] = []
        self._deleted: dict[str, int] = {}
        self._detached: list[str] = []
        self._dropped: dict[str, int] = {}
        self._archived: list[str] = []
        self._certificates: list[str] = []

    def carry_out(self, backups: Backups) -> RetentionReceipt:
        with self._database.connection("ingest") as connection:
            _settle(connection, self._id, "applying", note=self._without_backup)
        planned = {one.month for one in self._plan.months}
        for month in self._fresh.months:
            if month.month in planned:
                self._end_month(month)
        planned_periods = {one.period for one in self._plan.detach}
        for partition in self._fresh.detach:
            if partition.period in planned_periods:
                self._detach(partition)
        waiting = {(one.period, one.detached_at) for one in self._plan.drop}
        for partition in self._fresh.drop:
            if (partition.period, partition.detached_at) in waiting:
                self._drop(partition)
        tiers = self._end_tiers(backups)
        receipt = RetentionReceipt(
            plan_id=self._id,
            sealed=tuple(self._sealed),
            deleted=self._deleted,
            detached=tuple(self._detached),
            dropped=self._dropped,
            archived=tuple(self._archived),
            tiers=tiers,
            certificates=tuple(self._certificates),
            duration_seconds=time.monotonic() - self._started,
        )
        with self._database.connection("ingest") as connection:
            _settle(connection, self._id, "applied", outcome=receipt.to_dict())
        return receipt

    def _end_month(self, month: ExpiredMonth) -> None:
        name = f"{month.month:%Y-%m}"
        archives = self._database.config.retention.archive
        self._progress(f"{name}: {'seal and delete' if month.deletes_rows else 'seal'}")
        with self._database.connection("ingest") as connection:
            # Alone: no batch may commit rows of the month between its seal and the deletion.
            connection.execute(sqlfiles.query("states/stop_ingestion"))
            if archives is not None:
                place = archive_month(connection, month, archives)
                self._archived.append(str(place))
                self._audit(connection, "archive", place.name, row_count=sum(month.rows.values()))
            if month.needs_sealing:
                seal_month(connection, month.month, last_batch=month.last_batch)
                self._audit(connection, "seal", name)
                self._sealed.append(month.month)
            if month.deletes_rows:
                row = connection.execute(
                    sqlfiles.query("maintenance/retention_delete"),
                    {
                        "start": midnight(month.month),
                        "end": midnight(next_month(month.month)),
                        "last_batch": month.last_batch,
                    },
                ).fetchone()
                gone = dict(zip(month.rows, row or (), strict=True))
                if gone != dict(month.rows):
                    raise IntegrityFailure(
                        f"{sum(gone.values()):,} rows of {name} would have gone, and "
                        f"{sum(month.rows.values()):,} were planned; they stay. Plan again"
                    )
                self._certify(connection, f"expired rows of {name}", gone, month.batches)
                self._deleted[name] = sum(gone.values())

    def _detach(self, partition: ExpiredPartition) -> None:
        name = spoken(partition.period)
        self._progress(f"{name}: detach")

        def do(connection: psycopg.Connection[Any]) -> None:
            detach(connection, partition, self._id)
            self._audit(connection, "retire", name, row_count=sum(partition.rows.values()))

        self._with_tables(do)
        self._detached.append(partition.period)

    def _drop(self, partition: ExpiredPartition) -> None:
        name = spoken(partition.period)
        self._progress(f"{name}: drop")

        def do(connection: psycopg.Connection[Any]) -> None:
            if drop(connection, partition):
                self._certify(connection, f"partition {name}", partition.rows)
                self._dropped[partition.period] = sum(partition.rows.values())

        self._with_tables(do)

    def _with_tables(self, do: Callable[[psycopg.Connection[Any]], None]) -> None:
        # A long query in front of us is left its time: in between, others may read.
        for attempt in range(1, _LOCK_ATTEMPTS + 1):
            try:
                with self._database.connection("owner") as connection:
                    do(connection)
            except Unavailable as error:
                is_locked = isinstance(error.__cause__, psycopg.errors.LockNotAvailable)
                if not is_locked or attempt == _LOCK_ATTEMPTS:
                    raise
            else:
                return

    def _end_tiers(self, backups: Backups) -> dict[str, int]:
        gone: dict[str, int] = {}
        for tier in _still_expired(self._plan.tiers, self._fresh.tiers):
            self._progress(f"{tier.tier}: {tier.items:,}")
            if tier.tier == BACKUPS:
                gone[tier.tier] = len(backups.prune(tier.names))
            else:
                gone[tier.tier] = let_go(self._database, tier, self._fresh.holds)
            with self._database.connection("ingest") as connection:
                self._certify(
                    connection,
                    f"{tier.tier} before {tier.before:%Y-%m-%d}",
                    {tier.tier: gone[tier.tier]},
                )
        return gone

    def _certify(
        self,
        connection: psycopg.Connection[Any],
        what: str,
        rows: Any,
        batches: Sequence[int] = (),
    ) -> None:
        """Append a certificate of destruction to the audit log, in the same transaction."""
        certificate = {
            "what": what,
            "rows": dict(rows),
            "batches": list(batches),
            "plan": self._id,
            "planned_at": self._plan.planned_at,
            "retention_days": self._plan.retention_days,
            "backup": self._fresh.backup,
            "without_backup": self._without_backup,
        }
        text = json.dumps(to_json(certificate), ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        total = sum(rows.values())
        self._audit(connection, "destroy", text, parameters=digest, row_count=total)
        self._certificates.append(digest)


def _still_expired(
    planned: Sequence[ExpiredTier], fresh: Sequence[ExpiredTier]
) -> Iterator[ExpiredTier]:
    """Yield what was planned and would still go: a hold or a longer clock since then keeps it."""
    now = {tier.tier: tier for tier in fresh if tier.items}
    for tier in planned:
        if tier.items and tier.tier in now:
            yield replace(tier, before=min(tier.before, now[tier.tier].before))


def _settle(
    connection: psycopg.Connection[Any],
    plan_id: int,
    status: str,
    *,
    note: str | None = None,
    outcome: dict[str, Any] | None = None,
) -> None:
    connection.execute(
        sqlfiles.query("maintenance/retention_settle"),
        {
            "id": plan_id,
            "status": status,
            "note": note,
            "outcome": None if outcome is None else Jsonb(outcome),
        },
    )


def _stored(row: Sequence[Any]) -> StoredPlan:
    number, planned_at, planned_by, status, settled_at, note, content = row
    plan = RetentionPlan.from_dict({**content, "id": number})
    return StoredPlan(number, planned_at, planned_by, status, settled_at, note, plan)
