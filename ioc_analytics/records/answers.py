"""What the platform answers about itself and to custom SQL: frozen results.

For: facade, command line. Not for: analyses (``insight`` has its own records) or receipts.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ioc_analytics.records.alerts import Alert


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows of a query."""

    columns: tuple[str, ...]
    data: list[dict[str, Any]]
    """One dict per row."""

    truncated: bool
    """Whether there were more rows than asked for."""

    duration_seconds: float
    from_cache: bool = False
    data_versions: Mapping[str, str] | None = None
    """Version of each table that a cached answer was made from; None: the answer is not cached."""

    @property
    def row_count(self) -> int:
        """Rows in ``data``."""
        return len(self.data)

    def to_frame(self) -> "pd.DataFrame":
        """Return the rows as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.data, columns=list(self.columns))

    def to_arrow(self) -> "pa.Table":
        """Return the rows as an Arrow table."""
        import pyarrow as pa

        rows = [{name: _plain(value) for name, value in row.items()} for row in self.data]
        return pa.Table.from_pydict({c: [row[c] for row in rows] for c in self.columns})

    def to_dict(self) -> dict[str, Any]:
        """Return the result ready for JSON."""
        return {
            "columns": list(self.columns),
            "data": [{name: to_json(value) for name, value in row.items()} for row in self.data],
            "row_count": self.row_count,
            "truncated": self.truncated,
            "duration_seconds": self.duration_seconds,
            "from_cache": self.from_cache,
            "data_versions": None if self.data_versions is None else dict(self.data_versions),
        }


@dataclass(frozen=True, slots=True)
class ExportResult:
    """A file that was exported; its manifest lies beside it as ``NAME.manifest.json``."""

    filename: str
    path: Path
    row_count: int
    size_bytes: int
    checksum: str
    """SHA-256 of the file."""

    manifest: Mapping[str, Any]
    """Query, parameters, columns, data versions, counts."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table."""

    rows: int
    """Rows; counted up to a million, the server's estimate beyond."""

    is_estimate: bool
    size_bytes: int
    """With indexes and partitions."""


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """The database as a whole."""

    server_version: str
    size_bytes: int
    data_quality_score: float | None
    """0 to 100; None before the first evaluation."""

    compression: str
    """How wide values are compressed: ``lz4`` or ``pglz``."""

    partition_runway_months: int
    """Months ahead that have partitions."""


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """One batch of the ledger."""

    batch_id: int
    name: str
    status: str
    loaded_at: datetime
    accepted: int
    duplicates: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One processing job."""

    id: int
    job_type: str
    subject: str | None
    status: str
    started_at: datetime
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """What the platform holds and how fresh it is."""

    database: DatabaseStatus
    tables: Mapping[str, TableStatus]
    watermark: datetime | None
    """When the newest batch was loaded."""

    touched_days: tuple[date, ...]
    """Days that answers read from rows until the next refresh."""

    quarantine_waiting: int
    """Records put aside that nobody has settled."""

    batches: tuple[BatchStatus, ...]
    """The newest batches."""

    jobs: tuple[JobStatus, ...]
    """The newest jobs."""

    last_backup: datetime | None = None
    """When the newest backup was made that was restored and compared."""

    restore_seconds: float | None = None
    """How long restoring and comparing it took."""

    left_out: str | None = None
    """What no backup holds, and why; None: nothing."""

    alerts: "tuple[Alert, ...]" = ()
    """Open alerts, the newest first."""

    def to_dict(self) -> dict[str, Any]:
        """Return the status ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class RefreshReceipt:
    """What a refresh or rebuild brought up to date."""

    months: tuple[date, ...]
    days: tuple[date, ...]
    """Days whose states were counted again."""

    released: Mapping[str, int]
    """Rows written, per released table."""

    views: tuple[str, ...]
    duration_seconds: float
    assessment_days: tuple[date, ...] = ()
    """Days whose daily metrics were released besides, as assessments were set up on them."""

    @property
    def released_rows(self) -> int:
        """Rows written to released tables."""
        return sum(self.released.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


def to_json(value: Any) -> Any:
    """Return a value as what JSON can carry: times as ISO texts, UUIDs as texts."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
