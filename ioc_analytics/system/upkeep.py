"""The facade: verbs that keep states, released tables and views true to their rows."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from ioc_analytics.insight.refresh import count_days, refresh, release_daily_tables
from ioc_analytics.monitoring.integrity import Finding, examine
from ioc_analytics.monitoring.quality import evaluate_quality, keep_finding, read_history
from ioc_analytics.records.answers import RefreshReceipt
from ioc_analytics.records.quality import BLOCKING, BrokenPromise, PastResult, QualityEvaluation
from ioc_analytics.schema.views import broken_promises, refresh_views
from ioc_analytics.states.rebuild import touched_months
from ioc_analytics.states.sealing import MINIMUM_CELL, seal_month
from ioc_analytics.system.base import SystemBase


class Upkeep(SystemBase):
    """Refresh, rebuild, seal, compare."""

    def refresh(
        self,
        periods: Iterable[date] | None = None,
        *,
        with_views: bool = True,
        progress: Callable[[date], None] | None = None,
    ) -> RefreshReceipt:
        """Bring touched states, released tables and views up to date.

        Args:
            periods: Months to look at (any day of each); None: all with touched days.
            with_views: Refresh the materialized views afterwards.
            progress: Called after each month.
        """
        self.demand_analyst("refresh states")
        return refresh(
            self.database, self.config, periods, with_views=with_views, progress=progress
        )

    def rebuild(
        self,
        periods: Iterable[date] | None = None,
        *,
        with_views: bool = True,
        progress: Callable[[date], None] | None = None,
    ) -> RefreshReceipt:
        """Count whole months again from rows, touched or not; None: every month with rows."""
        self.demand_analyst("rebuild states")
        return refresh(
            self.database,
            self.config,
            periods,
            whole=True,
            with_views=with_views,
            progress=progress,
        )

    def rebuild_days(self, days: Iterable[date], *, with_views: bool = True) -> RefreshReceipt:
        """Release the daily tables of some days again from their rows, touched or not."""
        self.demand_analyst("rebuild days")
        return release_daily_tables(self.database, self.config, days, with_views=with_views)

    def count_days(self, days: Iterable[date]) -> dict[str, dict[date, int]]:
        """Return how many rows each daily table holds of some days."""
        with self.database.connection("analyst") as connection:
            return count_days(connection, days)

    def touched_months(self) -> list[date]:
        """Return the first days of the months whose states are behind their rows, ascending."""
        with self.database.connection("ingest") as connection:
            return touched_months(connection)

    def check_integrity(self, name: str) -> Finding:
        """Compare what is stored with what must hold of it, and keep the result.

        While it is bad, views are not refreshed, and after a batch nothing is released; see
        ``monitoring.integrity``.

        Args:
            name: One of ``monitoring.integrity.PROMISES``.
        """
        self.demand_analyst("compare records")
        with self.database.connection("ingest") as connection:
            found = examine(connection, name)
            keep_finding(connection, found)
        return found

    def broken_promises(self, names: Sequence[str] = BLOCKING) -> tuple[BrokenPromise, ...]:
        """Return those of some blocking checks whose newest result is bad."""
        with self.database.connection("analyst") as connection:
            return broken_promises(connection, names)

    def quality_history(
        self, names: Sequence[str], number: int = 30
    ) -> dict[str, tuple[PastResult, ...]]:
        """Return the newest results of some quality checks, the newest first."""
        with self.database.connection("analyst") as connection:
            return read_history(connection, names, number)

    def evaluate_quality(self) -> QualityEvaluation:
        """Look at every data quality check, and keep results and score."""
        self.demand_analyst("compare records")
        return evaluate_quality(self.database)

    def seal_month(self, month: date, minimum_cell: int = MINIMUM_CELL) -> int:
        """Seal the states of a month, so that its rows may go; return its scored responses."""
        self.demand_analyst("seal a month")
        with self.database.connection("ingest") as connection:
            responses = seal_month(connection, month.replace(day=1), minimum_cell)
            self._audit(connection, "seal", f"{month:%Y-%m}", row_count=responses)
        return responses

    def refresh_views(self) -> tuple[str, ...]:
        """Refresh the materialized views, without locking readers out.

        Raises:
            PromisesBroken: The newest result of a blocking check is bad; nothing is refreshed.
        """
        self.demand_analyst("refresh views")
        return refresh_views(self.database)
