"""Whether a drilled backup holds the raw rows that are to go.

For: ``maintenance.retention``. Not for: making or trying backups (``backup``).

A backup counts what each partition held in its own snapshot. It covers a plan when it was drilled,
is sound and recent, was taken after the rows arrived, and held at least as many rows of each
partition as are to go.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ioc_analytics.maintenance.expiry import TABLES, Expiry
from ioc_analytics.records.backups import Backup


def wanted_rows(expiry: Expiry) -> Mapping[tuple[str, str], int]:
    """Return the raw rows that are to go, by table and period."""
    wanted: Counter[tuple[str, str]] = Counter()
    parts = [(month.period, month.rows) for month in expiry.months]
    parts += [(partition.period, partition.rows) for partition in expiry.drop]
    for period, rows in parts:
        for table in TABLES:
            wanted[table, period] += rows.get(table, 0)
    return +wanted


def find_cover(
    backups: Sequence[Backup],
    wanted: Mapping[tuple[str, str], int],
    arrived: datetime | None,
    now: datetime,
    oldest_hours: float,
) -> tuple[str | None, str | None]:
    """Return the newest backup that covers the rows, or why there is none.

    Args:
        backups: All backups, the newest first.
        wanted: Rows by table and period, as ``wanted_rows``.
        arrived: When the newest of the rows arrived.
        now: The present moment.
        oldest_hours: Hours that a backup may be old.

    Returns:
        Id of the backup and None, or None and the reason; both None when no row goes.
    """
    if not wanted:
        return None, None
    drilled = [one for one in backups if one.state == "drilled" and one.fault is None]
    if not drilled:
        return None, "there is no drilled backup: `backup create --drill` makes one"
    reasons = [_fault(one, wanted, arrived, now, oldest_hours) for one in drilled]
    for backup, reason in zip(drilled, reasons, strict=True):
        if reason is None:
            return backup.id, None
    return None, reasons[0]


def holding(backups: Sequence[Backup], wanted: Mapping[tuple[str, str], int]) -> tuple[str, ...]:
    """Return the backups that hold rows of the partitions, drilled or not."""
    return tuple(
        one.id for one in backups if any(_stored(one, table, period) for table, period in wanted)
    )


def _fault(
    backup: Backup,
    wanted: Mapping[tuple[str, str], int],
    arrived: datetime | None,
    now: datetime,
    oldest_hours: float,
) -> str | None:
    name = f"the newest drilled backup, {backup.id},"
    if now - backup.created_at > timedelta(hours=oldest_hours):
        return f"{name} is more than {oldest_hours:g} hours old: make and drill another"
    if arrived is not None and backup.created_at <= arrived:
        return f"{name} was taken before the rows arrived: make and drill another"
    for (table, period), rows in wanted.items():
        stored = _stored(backup, table, period)
        if stored < rows:
            return f"{name} holds {stored:,} of the {rows:,} rows of {table} of {period}"
    return None


def _stored(backup: Backup, table: str, period: str) -> int:
    relation = f"{table.partition('.')[2]}_{period}"
    names = (f"{table}_{period}", f"retired.{relation}")
    return max((backup.fingerprints[n].rows for n in names if n in backup.fingerprints), default=0)
