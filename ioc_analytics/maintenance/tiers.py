"""The tiers besides raw rows: what has expired in each, and letting it go.

For: ``maintenance.retention``. Not for: raw rows (``maintenance.expiry``), or choosing backups,
which ``backup.retention`` does, or Dagster's own runs (``maintenance.dagster_storage``).

States, released tables and the audit log are no tiers: they stay.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.maintenance.evidence import count_old_measurements, forget_old_measurements
from ioc_analytics.records.backups import Backup
from ioc_analytics.records.retention import (
    BACKUPS,
    EXPORTS,
    LOGS,
    MEASUREMENTS,
    QUARANTINE,
    ExpiredTier,
    LegalHold,
)

_MANIFEST: Final = ".manifest.json"


def find_expired_tiers(
    database: Database, at: datetime, prunable: Sequence[Backup], holds: Sequence[LegalHold]
) -> tuple[ExpiredTier, ...]:
    """Return what has expired besides raw rows; nothing is changed.

    Args:
        database: The database.
        at: The moment that ages are reckoned from.
        prunable: Backups that the settings let go.
        holds: Legal holds in force.
    """
    config = database.config
    tiers = config.retention
    backups = [one for one in prunable if not is_held(holds, BACKUPS, one.created_at)]
    found = [
        _exports(config.exports.path, at, tiers.export_days, holds),
        ExpiredTier(
            BACKUPS,
            config.backup.keep_days,
            at - timedelta(days=config.backup.keep_days),
            len(backups),
            sum(one.size for one in backups),
            tuple(one.id for one in backups),
        ),
    ]
    with database.connection("ingest") as connection:
        for tier, days in ((QUARANTINE, tiers.quarantine_days), (LOGS, tiers.log_days)):
            before = at - timedelta(days=days)
            row = connection.execute(
                sqlfiles.query(f"maintenance/retention_count_{tier}"), {"before": before}
            ).fetchone()
            found.append(ExpiredTier(tier, days, before, row[0] if row else 0))
        days = config.measurement_days
        before = at - timedelta(days=days)
        number = count_old_measurements(connection, before)
        found.append(ExpiredTier(MEASUREMENTS, days, before, number))
    return tuple(found)


def is_held(holds: Sequence[LegalHold], tier: str, moment: datetime) -> bool:
    """Whether a legal hold keeps what came into being at a moment."""
    day = moment.astimezone(UTC).date()
    return any(hold.covers(tier, day, day + timedelta(days=1)) for hold in holds)


def let_go(database: Database, tier: ExpiredTier, holds: Sequence[LegalHold]) -> int:
    """Delete what has expired in a tier, backups excepted, and return how much it was."""
    match tier.tier:
        case "exports":
            return _delete_exports(database.config.exports.path, tier, holds)
        case "measurements":
            with database.connection("ingest") as connection:
                return forget_old_measurements(connection, tier.before)
        case _:
            with database.connection("ingest") as connection:
                cursor = connection.execute(
                    sqlfiles.query(f"maintenance/retention_forget_{tier.tier}"),
                    {"before": tier.before},
                )
                row = cursor.fetchone() if cursor.description else None
                return int(row[0]) if row else cursor.rowcount


def _exports(folder: Path, at: datetime, days: int, holds: Sequence[LegalHold]) -> ExpiredTier:
    before = at - timedelta(days=days)
    old = []
    # What has no manifest is no export of ours.
    for manifest in folder.glob(f"*{_MANIFEST}"):
        path = manifest.with_name(manifest.name.removesuffix(_MANIFEST))
        if path.is_file():
            stat = path.stat()
            moment = datetime.fromtimestamp(stat.st_mtime, tz=UTC)
            if moment < before and not is_held(holds, EXPORTS, moment):
                old.append((path.name, stat.st_size))
    size_bytes, names = sum(size for _, size in old), tuple(sorted(name for name, _ in old))
    return ExpiredTier(EXPORTS, days, before, len(old), size_bytes, names)


def _delete_exports(folder: Path, tier: ExpiredTier, holds: Sequence[LegalHold]) -> int:
    # A file of the same name may have been written since the plan.
    still = _exports(folder, tier.before + timedelta(days=tier.days), tier.days, holds)
    going = set(tier.names) & set(still.names)
    for name in going:
        # The manifest last: until it goes, a killed run finds the file again.
        (folder / name).unlink(missing_ok=True)
        (folder / f"{name}{_MANIFEST}").unlink(missing_ok=True)
    return len(going)
