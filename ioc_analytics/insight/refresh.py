"""Bringing states, released tables and views up to date, a month at a time.

For: the facade's ``refresh`` and ``rebuild``, and the assets that call them. Not for: counting
(``states.rebuild``) or what is released (``insight.distributions``): this only gives the order.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final

import psycopg

from ioc_analytics.database.locks import transaction_lock
from ioc_analytics.database.pools import Database
from ioc_analytics.insight.daily import (
    days_of_new_assessments,
    mature_days,
    release_daily,
    ripe_months,
)
from ioc_analytics.insight.distributions import release_days, release_months
from ioc_analytics.insight.maturity import first_immature_day
from ioc_analytics.insight.norms import fill_percentiles
from ioc_analytics.insight.peer_groups import release_benchmarks
from ioc_analytics.insight.release_judge import judge_released, judge_states
from ioc_analytics.insight.validation import release_validations
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import IntegrityFailure
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.answers import RefreshReceipt
from ioc_analytics.schema.partitions import premake_partitions
from ioc_analytics.schema.views import refresh_views
from ioc_analytics.states.rebuild import rebuild_month, touched_months

DAILY: Final = "daily_assessment_metrics"
BENCHMARKS: Final = "benchmarking_data"
DISTRIBUTIONS: Final = "ocean_trait_distributions"
VALIDATION: Final = "dual_ai_validation_metrics"


def refresh(
    database: Database,
    config: AnalyticsConfig,
    periods: Iterable[date] | None = None,
    *,
    whole: bool = False,
    with_views: bool = True,
    progress: Callable[[date, int], None] | None = None,
) -> RefreshReceipt:
    """Bring states, released tables and views of some months up to date.

    Args:
        database: The database.
        config: The settings.
        periods: Months to look at (any day of each); None: all with touched days or, with
            ``whole``, all with rows.
        whole: Count every day of the months again, touched or not.
        with_views: Refresh the materialized views afterwards.
        progress: Called after each month, with the number of months in all.

    Raises:
        IntegrityFailure: States differ from rows, or a figure is about too few people. The months
            before are released, this one and those after it are as they were. Of months that only
            had assessments set up or days become mature, all others are released first.
    """
    started = time.monotonic()
    days: list[date] = []
    released: Counter[str] = Counter()
    mature_before = first_immature_day(utc_now().date(), config.maturity_days)
    named = (config.privacy.named_assessment_types or "").split(", ")
    with database.connection("ingest") as connection:
        premake_partitions(connection, utc_now().date(), config.retention_days)
        if periods is not None:
            months = sorted({day.replace(day=1) for day in periods})
        elif whole:
            months = [month for (month,) in connection.execute(sqlfiles.query("states/months"))]
        else:
            months = touched_months(connection)
    for month in months:
        # A transaction per month: states and what is released from them change together, or, when
        # one of them is not as it must be, not at all.
        with database.connection("ingest") as connection:
            rebuilt = rebuild_month(connection, month, whole=whole)
            if rebuilt:
                judge_states(connection, month)
                released += _release(connection, month, rebuilt, mature_before, named)
                judge_released(connection, [month])
                fill_percentiles(connection, rebuilt)
            days += rebuilt
        if progress:
            progress(month, len(months))
    with database.connection("ingest") as connection:
        set_up = days_of_new_assessments(connection)
        ripe = ripe_months(connection, mature_before)
    to_release = _by_month(set_up)
    refused: IntegrityFailure | None = None
    for month in sorted({*to_release, *ripe}):
        try:
            with database.connection("ingest") as connection:
                released += _release_daily(
                    connection, month, to_release.get(month, []), mature_before
                )
        except IntegrityFailure as error:
            # The other months are no worse for it: they are released, and then it is said.
            refused = refused or error
    views = refresh_views(database) if with_views else ()
    if refused:
        raise refused
    return RefreshReceipt(
        tuple(months),
        tuple(days),
        dict(released),
        views,
        time.monotonic() - started,
        tuple(set_up),
    )


def release_daily_tables(
    database: Database, config: AnalyticsConfig, days: Iterable[date], *, with_views: bool = True
) -> RefreshReceipt:
    """Release the daily tables of some days again from their rows, a transaction per month.

    States and marks stay as they are: a touched day is still touched afterwards.
    """
    started = time.monotonic()
    mature_before = first_immature_day(utc_now().date(), config.maturity_days)
    months = _by_month(days)
    released: Counter[str] = Counter()
    for month, its_days in months.items():
        with database.connection("ingest") as connection:
            released += _release_daily(connection, month, its_days, mature_before)
            released[VALIDATION] += release_validations(connection, its_days)
    views = refresh_views(database) if with_views else ()
    all_days = tuple(day for its_days in months.values() for day in its_days)
    seconds = time.monotonic() - started
    return RefreshReceipt(tuple(months), all_days, dict(released), views, seconds)


def _by_month(days: Iterable[date]) -> dict[date, list[date]]:
    months: dict[date, list[date]] = {}
    for day in sorted(set(days)):
        months.setdefault(day.replace(day=1), []).append(day)
    return months


def _release_daily(
    connection: psycopg.Connection[Any], month: date, days: Sequence[date], mature_before: date
) -> Counter[str]:
    """Release some days of a month, and its benchmarks when days of it have become mature."""
    # As a refresh of the month does: two writers of one day would write it twice.
    transaction_lock(connection, f"states {month:%Y-%m}")
    # First, and in one transaction with the benchmarks: a day released again is mature at once,
    # and nothing would tell any more that the benchmarks do not know it.
    has_ripened = mature_days(connection, month, mature_before)
    released = Counter({DAILY: release_daily(connection, days, mature_before)})
    if has_ripened:
        released[BENCHMARKS] = release_benchmarks(connection, month, mature_before)
    if released.total():
        judge_released(connection, [month])
    return released


def count_days(
    connection: psycopg.Connection[Any], days: Iterable[date]
) -> dict[str, dict[date, int]]:
    """Return how many rows each table released by day holds of some days; 0 where it has none."""
    return _count(connection, "days", days, (DAILY, VALIDATION, DISTRIBUTIONS))


def count_months(
    connection: psycopg.Connection[Any], months: Iterable[date]
) -> dict[str, dict[date, int]]:
    """Return how many rows each table released by month holds of some months, days included."""
    return _count(connection, "months", months, (DISTRIBUTIONS, BENCHMARKS))


def _count(
    connection: psycopg.Connection[Any], unit: str, periods: Iterable[date], tables: Sequence[str]
) -> dict[str, dict[date, int]]:
    wanted = sorted(set(periods))
    counted = {table: dict.fromkeys(wanted, 0) for table in tables}
    for table, start, number in connection.execute(
        sqlfiles.query(f"insight/rows_of_{unit}"), {unit: wanted}
    ):
        counted[table][start] = number
    return counted


def _release(
    connection: psycopg.Connection[Any],
    month: date,
    days: Sequence[date],
    mature_before: date,
    named: Sequence[str],
) -> Counter[str]:
    return Counter(
        {
            DAILY: release_daily(connection, days, mature_before),
            DISTRIBUTIONS: release_months(connection, [month], named)
            + release_days(connection, days),
            BENCHMARKS: release_benchmarks(connection, month, mature_before),
            VALIDATION: release_validations(connection, days),
        }
    )
