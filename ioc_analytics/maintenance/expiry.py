"""Which raw rows have expired, month by month and partition by partition, and what keeps them.

For: ``maintenance.retention``. Not for: letting them go, nor other tiers (``maintenance.tiers``).

The clock of a row runs from the end of its month or from its arrival, whichever is later. Batches
have ascending numbers, so "arrived long enough ago" is a number: the last batch that has expired.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.retention import RAW, ExpiredMonth, ExpiredPartition, LegalHold
from ioc_analytics.states.rebuild import midnight, next_month

TABLES: Final = (
    "analytics.anonymized_assessment_responses",
    "analytics.anonymized_question_responses",
    "analytics.anonymized_assessment_scores",
    "internal.ai_validations",
    "internal.answer_vectors",
)
"""The tables of raw rows, in the order in which statements count them."""


@dataclass(slots=True)
class Expiry:
    """Raw rows that have expired."""

    months: list[ExpiredMonth] = field(default_factory=list)
    detach: list[ExpiredPartition] = field(default_factory=list)
    drop: list[ExpiredPartition] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    """What has expired and stays, by month or partition, with the reason."""


def find_expired(
    connection: psycopg.Connection[Any],
    at: datetime,
    last_batch: int,
    days: int,
    grace_days: int,
    holds: Sequence[LegalHold],
) -> Expiry:
    """Return the raw rows that have expired at a moment; nothing is changed.

    Args:
        connection: A connection of the ingesting role.
        at: The moment.
        last_batch: Newest batch that arrived ``days`` before it.
        days: The clock of raw rows.
        grace_days: Days that detached partitions wait.
        holds: Legal holds in force.
    """
    found = Expiry()
    waiting = list(_waiting(connection))
    late = dict(
        connection.execute(
            sqlfiles.query("maintenance/retention_late_children"),
            {"end": at - timedelta(days=days), "last_batch": last_batch},
        ).fetchall()
    )
    partitions = connection.execute(sqlfiles.query("maintenance/retention_partitions")).fetchall()
    for period, size_bytes, dependants in partitions:
        months = months_of(period)
        due = [m for m in months if midnight(next_month(m)) + timedelta(days=days) <= at]
        if not due:
            continue
        reason = _why_kept_whole(period, dependants, waiting)
        if reason:
            found.kept[spoken(period)] = reason
            continue
        limits = {month: min(last_batch, late.get(month, last_batch)) for month in due}
        _look_into(connection, found, period, size_bytes, limits, len(months), holds)
    for partition in waiting:
        _judge_waiting(found, partition, at, grace_days, holds)
    return found


def months_of(period: str) -> list[date]:
    """Return the first days of the months of a partition such as ``2024_03`` or ``2012``."""
    year, _, month = period.partition("_")
    return [date(int(year), number, 1) for number in ([int(month)] if month else range(1, 13))]


def spoken(period: str) -> str:
    """Return the name of a period for people: ``2024-03``."""
    return period.replace("_", "-")


def waiting_name(period: str) -> str:
    """Return the name of a detached partition for people; another may be attached by now."""
    return f"detached {spoken(period)}"


def span_of(period: str) -> tuple[date, date]:
    """Return the first day of a period and the first day after."""
    months = months_of(period)
    return months[0], next_month(months[-1])


def _waiting(connection: psycopg.Connection[Any]) -> Iterator[ExpiredPartition]:
    for period, detached_at, rows, size_bytes in connection.execute(
        sqlfiles.query("maintenance/retention_retired")
    ):
        yield ExpiredPartition(period, rows, size_bytes, detached_at)


def _why_kept_whole(
    period: str, dependants: Sequence[str], waiting: Sequence[ExpiredPartition]
) -> str | None:
    if dependants:
        return f"{', '.join(dependants)} depends on its partition: drop that first"
    if any(other.period == period for other in waiting):
        return "an earlier partition of the same period still waits to be dropped"
    return None


def _look_into(
    connection: psycopg.Connection[Any],
    found: Expiry,
    period: str,
    size_bytes: int,
    limits: Mapping[date, int],
    n_months: int,
    holds: Sequence[LegalHold],
) -> None:
    months: list[ExpiredMonth] = []
    is_over = len(limits) == n_months
    for month, last_batch in limits.items():
        hold = covering_hold(holds, month, next_month(month))
        if hold:
            found.kept[f"{month:%Y-%m}"] = hold
            is_over = False
            continue
        one, touched_days, has_later = _read_month(connection, period, month, last_batch)
        is_over = is_over and not has_later
        if one.needs_sealing and touched_days:
            found.kept[f"{month:%Y-%m}"] = (
                f"{touched_days} touched days: its states cannot be sealed; refresh first"
            )
            is_over = False
        elif any(one.rows.values()):
            months.append(one)
    if is_over:
        rows: Counter[str] = Counter()
        for one in months:
            rows.update(one.rows)
        found.detach.append(ExpiredPartition(period, dict(rows), size_bytes))
    found.months += [replace(one, deletes_rows=not is_over) for one in months]


def covering_hold(holds: Sequence[LegalHold], start: date, end: date) -> str | None:
    """Return which legal hold keeps raw rows of ``[start, end)``, in words; None: none does."""
    hold = next((one for one in holds if one.covers(RAW, start, end)), None)
    return None if hold is None else f"legal hold {hold.id}: {hold.reason}"


def _read_month(
    connection: psycopg.Connection[Any], period: str, month: date, last_batch: int
) -> tuple[ExpiredMonth, int, bool]:
    end = next_month(month)
    bounds = {"start": midnight(month), "end": midnight(end), "last_batch": last_batch}
    row = connection.execute(sqlfiles.query("states/has_later_rows"), bounds).fetchone()
    has_later = bool(row and row[0])
    row = connection.execute(
        sqlfiles.query("maintenance/retention_month"),
        bounds | {"month": month, "next_month": end, "is_whole": not has_later},
    ).fetchone()
    batches, unsealed, touched_days, *counts = row or ((), 0, 0, *[0] * len(TABLES))
    one = ExpiredMonth(
        month=month,
        period=period,
        last_batch=last_batch,
        batches=tuple(batches),
        rows=dict(zip(TABLES, counts, strict=True)),
        needs_sealing=unsealed > 0,
        deletes_rows=False,
    )
    return one, touched_days, has_later


def _judge_waiting(
    found: Expiry,
    partition: ExpiredPartition,
    at: datetime,
    grace_days: int,
    holds: Sequence[LegalHold],
) -> None:
    if partition.detached_at is None or partition.detached_at + timedelta(days=grace_days) > at:
        return
    hold = covering_hold(holds, *span_of(partition.period))
    if hold:
        found.kept[waiting_name(partition.period)] = hold
    else:
        found.drop.append(partition)
