"""Files made for a test, and what became of their rows."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ioc_analytics.files.batches import Batch, open_batch
from ioc_analytics.files.mappings import Mapping
from ioc_analytics.kernel.settings import LimitsSettings

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
LIMITS = LimitsSettings()

RESPONSES = (
    "response_id,assessment_id,country,started_at\n"
    "r1,a1,NA,2024-03-01T10:00:00Z\n"
    "r2,a1,DE,2024-03-02 11:30\n"
    "r3,a1,,2024-03-03\n"
)


@dataclass(frozen=True)
class Taken:
    """Everything that a batch handed on."""

    rows: dict[str, list[dict[str, Any]]]
    repairs: Counter[str]
    dropped: frozenset[str]
    kinds: tuple[str, ...]

    def accepted(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.rows.get(kind, []) if row["_rule"] is None]

    def refused(self, kind: str) -> list[tuple[int, str]]:
        return [(row["_line"], row["_rule"]) for row in self.rows.get(kind, []) if row["_rule"]]


def opened(
    path: Path,
    mapping: Mapping | None = None,
    limits: LimitsSettings = LIMITS,
    batch_size: int = 1000,
) -> Batch:
    return open_batch(path, mapping=mapping, limits=limits, batch_size=batch_size, now=NOW)


def taken(batch: Batch) -> Taken:
    rows: dict[str, list[dict[str, Any]]] = {}
    repairs: Counter[str] = Counter()
    dropped: set[str] = set()
    kinds = []
    for chunk in batch.chunks():
        rows.setdefault(chunk.kind, []).extend(chunk.table.to_pylist())
        repairs.update(chunk.repairs)
        dropped |= chunk.dropped_columns
        kinds.append(chunk.kind)
    return Taken(rows, repairs, frozenset(dropped), tuple(kinds))


def write(path: Path, content: str | bytes, compression: str | None = None) -> Path:
    data = content.encode() if isinstance(content, str) else content
    if compression:
        data = pa.compress(data, codec=compression, asbytes=True) if compression != "gzip" else data
        if compression == "gzip":
            sink = pa.BufferOutputStream()
            with pa.CompressedOutputStream(sink, "gzip") as stream:
                stream.write(data)
            data = sink.getvalue().to_pybytes()
    path.write_bytes(data)
    return path


def csv_text(rows: Sequence[Sequence[str]], delimiter: str = ",", line_end: str = "\n") -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    return buffer.getvalue()
