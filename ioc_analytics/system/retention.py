"""The facade: what goes by the clock, planned first, and what keeps it."""

from collections.abc import Callable, Collection
from datetime import date

from ioc_analytics.backup.catalogue import list_backups
from ioc_analytics.backup.retention import plan_pruning, prune_backups
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.maintenance.care import RetentionVerbs
from ioc_analytics.maintenance.holds import place_hold, read_holds, release_hold
from ioc_analytics.maintenance.retention import (
    Backups,
    apply_retention,
    plan_retention,
    preview_retention,
    read_plans,
)
from ioc_analytics.maintenance.tiers import is_held
from ioc_analytics.records.backups import Backup
from ioc_analytics.records.retention import (
    BACKUPS,
    LegalHold,
    RetentionPlan,
    RetentionReceipt,
    StoredPlan,
)
from ioc_analytics.system.base import SystemBase, account


class Retention(SystemBase):
    """Retention of raw rows, exports, backups, logs, and legal holds on them."""

    def plan_retention(self) -> RetentionPlan:
        """Plan what goes by the clocks of the settings, and store the plan; nothing goes yet.

        Raises:
            IntegrityFailure: The clocks of host and server disagree, or one has gone back.
        """
        self.demand_analyst("plan retention")
        self._note("plan", "retention")
        return plan_retention(self.database, self._backups(), account())

    def apply_retention(
        self,
        plan: RetentionPlan | int,
        *,
        without_backup: str | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> RetentionReceipt:
        """Carry a plan out, or go on with one that was interrupted.

        Args:
            plan: What ``plan_retention`` returned, or its number.
            without_backup: Why raw rows may go although no drilled backup holds them.
            progress: Called with a word for each step.

        Raises:
            InvalidInput: The plan does not fit any longer, or no drilled backup covers it.
            IntegrityFailure: States differ from a recount of their rows: that month stays.
        """
        self.demand_analyst("apply retention")
        number = plan if isinstance(plan, int) else plan.id
        return apply_retention(
            self.database,
            number or 0,
            self._backups(),
            self._audit,
            without_backup=without_backup,
            progress=progress,
        )

    def list_retention_plans(self, limit: int = 20) -> list[StoredPlan]:
        """Return the newest plans of retention, and what became of them."""
        self.demand_analyst("see plans of retention")
        with self.database.connection("analyst") as connection:
            return read_plans(connection, limit)

    def hold_retention(
        self,
        reason: str,
        *,
        tier: str | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> LegalHold:
        """Keep what a tier, or every one, holds of ``[start, end)`` from going (a legal hold)."""
        self.demand_analyst("place a legal hold")
        with self.database.connection("ingest") as connection:
            hold = place_hold(connection, reason, account(), tier=tier, start=start, end=end)
            self._audit(connection, "hold", f"legal hold {hold.id}: {reason}")
        return hold

    def release_retention(self, hold_id: int) -> LegalHold:
        """End a legal hold; what it kept goes with the next plan."""
        self.demand_analyst("release a legal hold")
        with self.database.connection("ingest") as connection:
            hold = release_hold(connection, hold_id, account())
            self._audit(connection, "release", f"legal hold {hold.id}: {hold.reason}")
        return hold

    def list_holds(self, *, has_released: bool = False) -> tuple[LegalHold, ...]:
        """Return the legal holds in force, or all that there were."""
        self.demand_analyst("see legal holds")
        with self.database.connection("analyst") as connection:
            return read_holds(connection, has_released=has_released)

    def prune_backups(self) -> list[Backup]:
        """Delete the backups that the settings and legal holds let go, and return them."""
        self.demand_analyst("delete backups")
        return self._prune_backups()

    def _retention_verbs(self) -> RetentionVerbs:
        return RetentionVerbs(
            preview=lambda: preview_retention(self.database, self._backups()),
            carry_out=lambda: self.apply_retention(self.plan_retention()),
        )

    def _backups(self) -> Backups:
        known = list_backups(self.config)
        prunable = plan_pruning(known, self.config.backup, utc_now())
        return Backups(known, prunable, self._prune_backups)

    def _prune_backups(self, only: Collection[str] | None = None) -> list[Backup]:
        holds = self.list_holds()
        gone = prune_backups(self.database, lambda moment: is_held(holds, BACKUPS, moment), only)
        with self.database.connection("ingest") as connection:
            for backup in gone:
                self._audit(connection, "destroy", f"backup {backup.id}")
        return gone
