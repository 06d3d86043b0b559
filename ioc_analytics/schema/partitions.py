"""Month and year partitions of the raw tables: which are missing, making them ahead.

For: ingestion (before a batch writes) and maintenance (premake, runway). Not for: dropping them
(retention, in ``maintenance``). Making and dropping never share a transaction.

The work is done by ``internal.make_partitions`` with the owner's rights: months within retention
plus 24, older years as one partition each, created and then attached.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

import psycopg

PREMADE_MONTHS = 3
"""Months ahead, the current one included, that every refresh makes sure of."""


def missing_partitions(
    connection: psycopg.Connection[Any], days: Iterable[date], retention_days: int
) -> list[tuple[str, date, date]]:
    """Return the periods without a partition that the days need.

    Returns:
        Suffix such as ``2025_03`` or ``2012``, first day, first day after; ascending.
    """
    rows = connection.execute(
        "SELECT suffix, lower_bound, upper_bound"
        " FROM internal.missing_partitions(%s::date[], %s) ORDER BY lower_bound",
        (sorted(set(days)), retention_days),
    ).fetchall()
    return [(suffix, lower, upper) for suffix, lower, upper in rows]


def make_partitions(
    connection: psycopg.Connection[Any], days: Iterable[date], retention_days: int
) -> int:
    """Make the partitions that the days need and return how many periods were made."""
    row = connection.execute(
        "SELECT internal.make_partitions(%s::date[], %s)", (sorted(set(days)), retention_days)
    ).fetchone()
    return int(row[0]) if row else 0


def premake_partitions(
    connection: psycopg.Connection[Any], today: date, retention_days: int
) -> int:
    """Make the current month and the ones after it, so that no batch has to wait for them."""
    return make_partitions(connection, premade_months(today), retention_days)


def premade_months(today: date) -> list[date]:
    """Return the months that are made ahead, the current one first."""
    return [
        date(today.year + (today.month - 1 + ahead) // 12, (today.month - 1 + ahead) % 12 + 1, 1)
        for ahead in range(PREMADE_MONTHS)
    ]


def read_runway(connection: psycopg.Connection[Any]) -> int:
    """Return how many whole months after the current one have a partition already."""
    row = connection.execute("SELECT internal.partition_runway()").fetchone()
    return int(row[0]) if row else 0
