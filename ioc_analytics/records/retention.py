"""What retention plans to let go, what keeps it, and what went.

For: maintenance, facade, command line, orchestration. Not for: judging (``maintenance``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final, Self

import pandas as pd

from ioc_analytics.records.answers import to_json

RAW: Final = "raw"
EXPORTS: Final = "exports"
BACKUPS: Final = "backups"
QUARANTINE: Final = "quarantine"
LOGS: Final = "logs"
MEASUREMENTS: Final = "measurements"
DAGSTER: Final = "dagster"
TIERS: Final = (RAW, EXPORTS, BACKUPS, QUARANTINE, LOGS, MEASUREMENTS, DAGSTER)
"""What goes by a clock of its own. States, released tables and the audit log stay for good."""


@dataclass(frozen=True, slots=True)
class LegalHold:
    """What may not go, whatever its age."""

    id: int
    reason: str
    tier: str | None
    """One of ``TIERS``; None: everything."""

    start: date | None
    """First UTC day that it holds; None: from the beginning."""

    end: date | None
    """First UTC day after; None: for all time."""

    placed_at: datetime
    placed_by: str
    released_at: datetime | None = None
    released_by: str | None = None

    def covers(self, tier: str, start: date, end: date) -> bool:
        """Whether it keeps something of a tier that spans ``[start, end)``."""
        return (
            self.released_at is None
            and self.tier in (None, tier)
            and (self.start is None or self.start < end)
            and (self.end is None or self.end > start)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class ExpiredMonth:
    """Raw rows of a month that have expired."""

    month: date
    """Its first day."""

    period: str
    """Its partition, such as ``2024_03``, or ``2012`` where a year is one partition."""

    last_batch: int
    """Rows of batches up to this one have expired; later arrivals stay."""

    batches: tuple[int, ...]
    """Batches that they came with."""

    rows: Mapping[str, int]
    """Expired rows per table."""

    needs_sealing: bool
    """Whether some of them are in no sealed state yet."""

    deletes_rows: bool
    """Whether they are deleted, because later arrivals stay; otherwise their partition goes."""


@dataclass(frozen=True, slots=True)
class ExpiredPartition:
    """A partition of which everything has expired, or has waited for its days of grace."""

    period: str
    rows: Mapping[str, int]
    """Rows per table."""

    size_bytes: int
    detached_at: datetime | None = None
    """When it was detached; None: it is still attached."""


@dataclass(frozen=True, slots=True)
class ExpiredTier:
    """What has expired in a tier other than raw rows."""

    tier: str
    days: int
    """Its clock."""

    before: datetime
    """What is older goes."""

    items: int
    """Files, backups or rows."""

    size_bytes: int | None = None
    """Their bytes; None where that cannot be had."""

    names: tuple[str, ...] = ()
    """Names of files and backups; empty for rows."""


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What would go, and what keeps the rest. Nothing has been touched."""

    planned_at: datetime
    """Moment that ages are reckoned from."""

    retention_days: int
    """The clock of raw rows."""

    months: tuple[ExpiredMonth, ...] = ()
    """Raw rows that go: sealed first, then deleted, or detached with their partition."""

    detach: tuple[ExpiredPartition, ...] = ()
    """Partitions that go out of sight, and wait."""

    drop: tuple[ExpiredPartition, ...] = ()
    """Detached partitions whose grace is over."""

    tiers: tuple[ExpiredTier, ...] = ()
    """Everything else that goes."""

    kept: Mapping[str, str] = field(default_factory=dict)
    """What has expired and stays all the same, with the reason."""

    holds: tuple[LegalHold, ...] = ()
    """Legal holds in force."""

    backup: str | None = None
    """The newest drilled backup that holds all raw rows of the plan; None: there is none."""

    backup_fault: str | None = None
    """Why no backup covers the plan; None: one does, or no raw rows go."""

    backups_with_rows: tuple[str, ...] = ()
    """Backups that still hold raw rows of the plan: they go by the clock of backups."""

    id: int | None = None
    """Its number, once stored."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes."""
        return not (self.months or self.detach or self.drop or any(t.items for t in self.tiers))

    @property
    def raw_rows(self) -> int:
        """Raw rows that leave the tables or wait to be dropped."""
        counts = [month.rows for month in self.months] + [part.rows for part in self.drop]
        return sum(sum(rows.values()) for rows in counts)

    def described(self) -> list[str]:
        """Return what goes in a few words each."""
        told = [f"{sum(one.rows.values()):,} raw rows of {one.month:%Y-%m}" for one in self.months]
        told += [f"the detached partition {one.period.replace('_', '-')}" for one in self.drop]
        return told + [f"{one.items:,} of {one.tier}" for one in self.tiers if one.items]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the plan that ``to_dict`` wrote."""
        known = dict(content)
        known["planned_at"] = datetime.fromisoformat(content["planned_at"])
        known["months"] = tuple(
            ExpiredMonth(
                **one
                | {"month": date.fromisoformat(one["month"]), "batches": tuple(one["batches"])}
            )
            for one in content["months"]
        )
        for name in ("detach", "drop"):
            known[name] = tuple(
                ExpiredPartition(**one | {"detached_at": _moment(one["detached_at"])})
                for one in content[name]
            )
        known["tiers"] = tuple(
            ExpiredTier(
                **one
                | {"before": datetime.fromisoformat(one["before"]), "names": tuple(one["names"])}
            )
            for one in content["tiers"]
        )
        known["holds"] = tuple(_hold(one) for one in content["holds"])
        known["backups_with_rows"] = tuple(content["backups_with_rows"])
        return cls(**known)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per thing that goes: tier, what, how, items, size_bytes."""
        months: list[dict[str, Any]] = [
            {
                "tier": RAW,
                "what": f"{one.month:%Y-%m}",
                "how": "delete" if one.deletes_rows else "seal" if one.needs_sealing else "sealed",
                "items": sum(one.rows.values()),
                "size_bytes": None,
            }
            for one in self.months
        ]
        partitions = [
            {
                "tier": RAW,
                "what": one.period.replace("_", "-"),
                "how": how,
                "items": sum(one.rows.values()),
                "size_bytes": one.size_bytes,
            }
            for how, parts in (("detach", self.detach), ("drop", self.drop))
            for one in parts
        ]
        others = [
            {
                "tier": one.tier,
                "what": f"before {one.before:%Y-%m-%d}",
                "how": "delete",
                "items": one.items,
                "size_bytes": one.size_bytes,
            }
            for one in self.tiers
        ]
        return [*months, *partitions, *others]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per thing that goes."""
        columns = ["tier", "what", "how", "items", "size_bytes"]
        return pd.DataFrame(self.rows(), columns=columns)


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan in the list of plans."""

    id: int
    planned_at: datetime
    planned_by: str
    status: str
    """``planned``, ``refused``, ``applying`` (interrupted, unless it runs) or ``applied``."""

    settled_at: datetime | None
    note: str | None
    plan: RetentionPlan

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        own = {name: to_json(getattr(self, name)) for name in self.__slots__ if name != "plan"}
        return {**own, "plan": self.plan.to_dict()}


@dataclass(frozen=True, slots=True)
class RetentionReceipt:
    """What went."""

    plan_id: int
    sealed: tuple[date, ...]
    """Months that were sealed."""

    deleted: Mapping[str, int]
    """Rows deleted from months that live on, per month."""

    detached: tuple[str, ...]
    """Partitions that wait for the end of their grace."""

    dropped: Mapping[str, int]
    """Rows of partitions that were dropped, per partition."""

    archived: tuple[str, ...]
    """Folders that raw rows were written to before."""

    tiers: Mapping[str, int]
    """Files, backups or rows that went, per tier."""

    certificates: tuple[str, ...]
    """SHA-256 of each certificate of destruction, as in the audit log."""

    duration_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _hold(content: Mapping[str, Any]) -> LegalHold:
    days = {name: content[name] and date.fromisoformat(content[name]) for name in ("start", "end")}
    moments = {name: _moment(content[name]) for name in ("placed_at", "released_at")}
    return LegalHold(**{**content, **days, **moments})
