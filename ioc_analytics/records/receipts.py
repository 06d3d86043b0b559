"""What an ingestion, an undo or a retry answers: every record accounted for.

For: ingestion, facade, command line. Not for: the ledger row itself (``internal.batches``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from ioc_analytics.kernel.errors import IntegrityFailure


@dataclass(frozen=True, slots=True)
class KindCounts:
    """What became of the records of one kind."""

    received: int = 0
    """Records read."""

    accepted: int = 0
    """Records stored, newer versions of stored ones included."""

    duplicates: int = 0
    """Records that were stored already, or are older than what is stored."""

    quarantined: int = 0
    """Records put aside with a reason."""

    def __add__(self, other: "KindCounts") -> "KindCounts":
        """Return the sums, count by count."""
        return KindCounts(
            self.received + other.received,
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.quarantined + other.quarantined,
        )


@dataclass(frozen=True, slots=True)
class IngestReceipt:
    """What an ingestion did.

    Raises:
        IntegrityFailure: The counts do not add up: a record would be lost or counted twice.
    """

    batch_id: int | None
    """Number of the batch in the ledger; None when nothing was written (``check=True``)."""

    by_kind: Mapping[str, KindCounts]
    """Counts per kind of record."""

    name: str = ""
    """Name of the file or folder."""

    is_duplicate: bool = False
    """Whether the whole batch had been loaded before."""

    repairs: Mapping[str, int] = field(default_factory=dict)
    """How often an optional value was made unknown or missing, by ``column:reason``."""

    quarantine: Mapping[str, int] = field(default_factory=dict)
    """Quarantined records by rule."""

    dropped_columns: tuple[str, ...] = ()
    """Columns of the source that are not kept."""

    touched_days: tuple[date, ...] = ()
    """UTC days whose figures change, ascending."""

    settled: int = 0
    """Records of earlier batches that left the quarantine because their parent came."""

    warnings: tuple[str, ...] = ()
    """What a person should know about the batch."""

    batches: tuple["IngestReceipt", ...] = ()
    """The receipts of the single batches, where several were asked for."""

    duration_seconds: float = 0.0
    """Time from claim to commit, in seconds."""

    def __post_init__(self) -> None:
        for kind, counts in self.by_kind.items():
            settled = counts.accepted + counts.duplicates + counts.quarantined
            if counts.received != settled:
                raise IntegrityFailure(
                    f"{self.name}: {counts.received} {kind} were read, but {counts.accepted} "
                    f"accepted + {counts.duplicates} duplicates + {counts.quarantined} "
                    f"quarantined make {settled}; nothing was committed"
                )

    @property
    def records_processed(self) -> int:
        """Records read: accepted + duplicates + quarantined."""
        return sum(counts.received for counts in self.by_kind.values())

    @property
    def accepted(self) -> int:
        """Records stored."""
        return sum(counts.accepted for counts in self.by_kind.values())

    @property
    def duplicates(self) -> int:
        """Records that were stored already."""
        return sum(counts.duplicates for counts in self.by_kind.values())

    @property
    def quarantined(self) -> int:
        """Records put aside."""
        return sum(counts.quarantined for counts in self.by_kind.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt ready for JSON."""
        return {
            "batch_id": self.batch_id,
            "name": self.name,
            "is_duplicate": self.is_duplicate,
            "records_processed": self.records_processed,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "quarantined": self.quarantined,
            "by_kind": {kind: asdict(counts) for kind, counts in self.by_kind.items()},
            "repairs": dict(self.repairs),
            "quarantine": dict(self.quarantine),
            "dropped_columns": list(self.dropped_columns),
            "touched_days": [day.isoformat() for day in self.touched_days],
            "settled": self.settled,
            "warnings": list(self.warnings),
            "duration_seconds": self.duration_seconds,
            "batches": [receipt.to_dict() for receipt in self.batches],
        }


def combine(receipts: tuple[IngestReceipt, ...]) -> IngestReceipt:
    """Return one receipt over several batches; a single one is returned as it is."""
    if len(receipts) == 1:
        return receipts[0]
    by_kind: dict[str, KindCounts] = {}
    repairs: dict[str, int] = {}
    quarantine: dict[str, int] = {}
    for receipt in receipts:
        for kind, counts in receipt.by_kind.items():
            by_kind[kind] = by_kind.get(kind, KindCounts()) + counts
        for source, target in ((receipt.repairs, repairs), (receipt.quarantine, quarantine)):
            for name, count in source.items():
                target[name] = target.get(name, 0) + count
    return IngestReceipt(
        batch_id=None,
        name=f"{len(receipts)} batches",
        by_kind=by_kind,
        is_duplicate=bool(receipts) and all(r.is_duplicate for r in receipts),
        repairs=repairs,
        quarantine=quarantine,
        dropped_columns=tuple(sorted({c for r in receipts for c in r.dropped_columns})),
        touched_days=tuple(sorted({day for r in receipts for day in r.touched_days})),
        settled=sum(r.settled for r in receipts),
        warnings=tuple(w for r in receipts for w in r.warnings),
        batches=receipts,
        duration_seconds=sum(r.duration_seconds for r in receipts),
    )


@dataclass(frozen=True, slots=True)
class UndoReceipt:
    """What undoing a batch took out."""

    batch_id: int
    """The batch."""

    removed: Mapping[str, int]
    """Rows taken out per table."""

    incomplete_batches: tuple[int, ...]
    """Other batches that lost rows: those this batch had replaced, and children of its responses.

    Their files may be ingested again: what is still there is found a duplicate, the rest comes
    back.
    """

    kept_assessments: int
    """Assessments of the batch that responses of other batches need, and that therefore stay."""

    touched_days: tuple[date, ...]
    """UTC days whose figures change, ascending."""

    quarantined: int
    """Records that the batch had put aside, and that left the quarantine with it."""

    @property
    def accepted(self) -> int:
        """Rows taken out of all tables, scores that were made from answers included."""
        return sum(self.removed.values())

    @property
    def duplicates(self) -> int:
        """None: what the batch had found stored belongs to other batches, and stays."""
        return 0

    @property
    def records_processed(self) -> int:
        """Rows of the batch that are gone: accepted + duplicates + quarantined."""
        return self.accepted + self.duplicates + self.quarantined

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt ready for JSON."""
        return {
            "batch_id": self.batch_id,
            "records_processed": self.records_processed,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "quarantined": self.quarantined,
            "removed": dict(self.removed),
            "incomplete_batches": list(self.incomplete_batches),
            "kept_assessments": self.kept_assessments,
            "touched_days": [day.isoformat() for day in self.touched_days],
        }
