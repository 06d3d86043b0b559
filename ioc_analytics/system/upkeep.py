"""The facade: verbs that keep states, released tables and views true to their rows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Literal

from ioc_analytics.database.jobs import noted_job
from ioc_analytics.insight.daily import ripe_months
from ioc_analytics.insight.maturity import first_immature_day
from ioc_analytics.insight.refresh import count_days, count_months, refresh, release_daily_tables
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.monitoring.integrity import Finding, examine
from ioc_analytics.monitoring.quality import evaluate_quality, keep_finding, read_history
from ioc_analytics.records.answers import RefreshReceipt
from ioc_analytics.records.quality import BLOCKING, BrokenPromise, PastResult, QualityEvaluation
from ioc_analytics.schema.views import broken_promises, refresh_views
from ioc_analytics.states.rebuild import newest_marks
from ioc_analytics.states.sealing import MINIMUM_CELL, seal_month
from ioc_analytics.system.base import SystemBase


class Upkeep(SystemBase):
    """Refresh, rebuild, seal, compare."""

    def refresh(
        self,
        periods: Iterable[date] | None = None,
        *,
        with_views: bool = True,
        progress: Callable[[date, int], None] | None = None,
    ) -> RefreshReceipt:
        """Bring touched states, released tables and views up to date.

        Args:
            periods: Months to look at (any day of each); None: all with touched days.
            with_views: Refresh the materialized views afterwards.
            progress: Called after each month, with the number of months in all.
        """
        self.demand_analyst("refresh states")
        return self._counting("refresh", periods, with_views=with_views, progress=progress)

    def rebuild(
        self,
        periods: Iterable[date] | None = None,
        *,
        with_views: bool = True,
        progress: Callable[[date, int], None] | None = None,
    ) -> RefreshReceipt:
        """Count whole months again from rows, touched or not; None: every month with rows."""
        self.demand_analyst("rebuild states")
        return self._counting("rebuild", periods, with_views=with_views, progress=progress)

    def rebuild_days(self, days: Iterable[date], *, with_views: bool = True) -> RefreshReceipt:
        """Release the daily tables of some days again from their rows, touched or not."""
        self.demand_analyst("rebuild days")
        chosen = sorted(set(days))
        with self._noted_job("rebuild", _words(chosen, "days")):
            return release_daily_tables(self.database, self.config, chosen, with_views=with_views)

    def count_days(self, days: Iterable[date]) -> dict[str, dict[date, int]]:
        """Return how many rows each table released by day holds of some days."""
        with self.database.connection("analyst") as connection:
            return count_days(connection, days)

    def count_months(self, months: Iterable[date]) -> dict[str, dict[date, int]]:
        """Return how many rows each table released by month holds of some months."""
        with self.database.connection("analyst") as connection:
            return count_months(connection, months)

    def touched_months(self) -> list[date]:
        """Return the first days of the months whose states are behind their rows, ascending."""
        return list(self.newest_marks())

    def newest_marks(self) -> dict[date, int]:
        """Return the months whose states are behind their rows, with their newest mark's number.

        Marks are numbered as they come: another number means that more has touched a month.
        """
        with self.database.connection("ingest") as connection:
            return newest_marks(connection)

    def ripe_months(self) -> list[date]:
        """Return the months with days that a refresh would mark as mature, ascending."""
        before = first_immature_day(utc_now().date(), self.config.maturity_days)
        with self.database.connection("ingest") as connection:
            return ripe_months(connection, before)

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
        with (
            noted_job(self.database, "seal", f"{month:%Y-%m}"),
            self.database.connection("ingest") as connection,
        ):
            responses = seal_month(connection, month.replace(day=1), minimum_cell)
            self._audit(connection, "seal", f"{month:%Y-%m}", row_count=responses)
        return responses

    def refresh_views(self) -> tuple[str, ...]:
        """Refresh the materialized views, without locking readers out.

        Raises:
            PromisesBroken: The newest result of a blocking check is bad; nothing is refreshed.
        """
        self.demand_analyst("refresh views")
        with self._noted_job("refresh", "views"):
            return refresh_views(self.database)

    def _counting(
        self,
        action: Literal["refresh", "rebuild"],
        periods: Iterable[date] | None,
        *,
        with_views: bool,
        progress: Callable[[date, int], None] | None,
    ) -> RefreshReceipt:
        months = None if periods is None else sorted({day.replace(day=1) for day in periods})
        with self._noted_job(action, _words(months, "months")):
            return refresh(
                self.database,
                self.config,
                months,
                whole=action == "rebuild",
                with_views=with_views,
                progress=progress,
            )

    @contextmanager
    def _noted_job(self, action: str, subject: str) -> Iterator[None]:
        """Note work of several transactions: in the audit log before it, and as a job."""
        self._note(action, subject)
        with noted_job(self.database, action, subject):
            yield


def _words(periods: Sequence[date] | None, unit: str) -> str:
    """Return what a job on some periods works on, in words."""
    if periods is None:
        return f"all {unit}"
    if not periods:
        return f"no {unit}"
    return f"{len(periods)} {unit}, {periods[0]} to {periods[-1]}"
