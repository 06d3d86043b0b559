"""Releasing ``daily_assessment_metrics``: activity per day, sector, size and region.

For: refresh and its Dagster asset. Not for: exact answers to analysts (``insight.metrics``).

Organizations and people are counted distinct, which does not add up from days or cells: each
released day is counted from its rows, with every roll-up.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

import psycopg

from ioc_analytics.database.locks import transaction_lock
from ioc_analytics.insight.people import WITHHELD
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.releases import MINIMUM_PEOPLE
from ioc_analytics.states.rebuild import adjacent_days, midnight, next_month
from ioc_analytics.states.sealing import is_sealed


def release_daily(
    connection: psycopg.Connection[Any], days: Iterable[date], mature_before: date
) -> int:
    """Release the metrics of some days from their rows; return the rows written.

    What was released of a sealed month stays: its rows are gone.

    Args:
        connection: A connection of the ingesting role.
        days: Which days.
        mature_before: Responses started before this day have had their time to be completed.
    """
    months: dict[date, list[date]] = {}
    for day in set(days):
        months.setdefault(day.replace(day=1), []).append(day)
    written = 0
    for month in sorted(months):
        # Runs of other months release days of this one when assessments were set up on them.
        transaction_lock(connection, f"daily metrics {month:%Y-%m}")
        if is_sealed(connection, month):
            continue
        for first, last in adjacent_days(months[month]):
            written += _release_run(connection, first, last, mature_before)
    return written


def days_of_new_assessments(connection: psycopg.Connection[Any]) -> list[date]:
    """Return the days whose released metrics do not know the assessments set up on them.

    A day is touched by its responses; assessments may be set up on days without any.
    """
    return [day for (day,) in connection.execute(sqlfiles.query("insight/days_of_new_assessments"))]


def ripe_months(connection: psycopg.Connection[Any], mature_before: date) -> list[date]:
    """Return the months with released days that have become mature since, ascending."""
    rows = connection.execute(
        sqlfiles.query("insight/ripe_months"), {"mature_before": mature_before}
    )
    return [month for (month,) in rows]


def mature_days(connection: psycopg.Connection[Any], month: date, mature_before: date) -> bool:
    """Mark the released days of a month that have become mature since; return whether any had."""
    parameters = {"month": month, "end": next_month(month), "mature_before": mature_before}
    return connection.execute(sqlfiles.query("insight/mature_days"), parameters).rowcount > 0


def _release_run(
    connection: psycopg.Connection[Any], first: date, last: date, mature_before: date
) -> int:
    connection.execute(sqlfiles.query("insight/forget_daily"), {"first": first, "last": last})
    # As in states.rows: a fresh partition has no statistics, and nested loops would take forever.
    connection.execute(sqlfiles.query("states/plan_for_many"))
    written = connection.execute(
        sqlfiles.query("insight/release_daily"),
        {
            "start": midnight(first),
            "end": midnight(last),
            "minimum_people": MINIMUM_PEOPLE,
            "withheld": WITHHELD,
            "mature_before": mature_before,
        },
    ).rowcount
    connection.execute(sqlfiles.query("states/plan_for_few"))
    return written
