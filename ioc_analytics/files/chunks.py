"""Judged rows as a batch hands them on.

For: ``files.batches``, ``files.wide``; ``ingestion`` receives them. Not for: judging
(``records.judge``).
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from ioc_analytics.files.tables import RawChunk
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.judge import faulty_rows, judge


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some judged rows of one kind from one file."""

    kind: str
    table: pa.Table
    """The columns of the contract and the line columns."""

    file: str
    """Name relative to the batch."""

    repairs: Counter[str]
    """How many values of accepted rows were repaired, by ``column:rule``."""

    dropped_columns: frozenset[str]
    """Columns of the file that nobody reads."""

    share: float = 0.0
    """How much of the file, or of the batch, was read when they came, 0 to 1."""


def judged_chunk(
    kind: str, raw: RawChunk, file: str, dropped: frozenset[str], now: datetime
) -> Chunk:
    """Judge the rows of a raw chunk and put its faults behind them.

    Raises:
        InvalidInput: A column is missing or of a type that cannot be read; names the file.
    """
    try:
        judged = judge(kind, raw.table, raw.lines, now=now)
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from error
    table = judged.table
    if raw.faults:
        faults = faulty_rows(kind, raw.faults).cast(table.schema)
        table = pa.concat_tables([table, faults])
    repairs = Counter({f"{name}:{rule}": n for (name, rule), n in judged.repairs.items()})
    return Chunk(kind, table, file, repairs, dropped, raw.share)
