"""Faults on purpose: late, duplicate and dirty rows, planted so that each can be counted.

For: files that try out ingestion. Not for: the clean records (``generator``, ``tables``), which
stay the same whatever is planted, except for the single answers that are spoiled.

- A *late* response stands, with all its records, in the folder of one to three months later.
- A *duplicate* response stands in its own place and again, with all its records and in every
  column alike, one to three months later (in a single batch: further down in the same files).
- A *dirty* row breaks one rule. Responses and assessments are spoiled as extra rows: copies under
  an id of their own and without children, so that no good row is lost with them. Answers are
  spoiled in place, at most one per response, which leaves enough to score it.

No response is chosen twice. Those of the last month can be neither late nor duplicate.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.kinds import ASSESSMENTS, QUESTION_RESPONSES, RESPONSES
from ioc_analytics.synthetic.generator import Chunk
from ioc_analytics.synthetic.population import IntArray
from ioc_analytics.synthetic.streams import CHUNK, Purpose, stream
from ioc_analytics.synthetic.tables import (
    IMPOSSIBLE_VALUE,
    UNKNOWN_ITEM,
    UNKNOWN_RESPONSE,
    AnswerFaults,
)

_LONGEST_LAG_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Shares:
    """How much to plant, each as a share of the responses (0 to 1)."""

    late: float = 0.0
    duplicate: float = 0.0
    dirty: float = 0.0

    def __post_init__(self) -> None:
        for name in ("late", "duplicate", "dirty"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise InvalidInput(f"{name}_share is {share}: it must be between 0 and 1")
        if self.late + self.duplicate + self.dirty > 1.0:
            raise InvalidInput(
                "late_share, duplicate_share and dirty_share add up to more than 1: "
                "no response can be chosen twice, so ask for less"
            )


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a row breaks the contract."""

    kind: str
    name: str
    column: str
    value: str | float | datetime | None
    """What stands in the column instead; None leaves it empty."""
    text: str | None = None
    """What stands there in CSV and JSONL, where it is another thing."""
    is_rejected: bool = True
    """Whether the row is refused; else it is accepted and the column repaired to NULL or unknown,
    which makes one more good record of it."""

    @property
    def key(self) -> str:
        """Name of the fault in the counts of ``GeneratedFiles.dirty``."""
        return f"{self.kind}.{self.name}"


_MAIL = "someone.else@example.org"
FAULTS: Final = (
    Fault(ASSESSMENTS, "bad_date", "created_at", datetime(1970, 1, 1, tzinfo=UTC), "2025-13-45"),
    Fault(ASSESSMENTS, "missing_key", "organization_id", None),
    Fault(ASSESSMENTS, "email_in_category", "industry", _MAIL, is_rejected=False),
    Fault(RESPONSES, "bad_date", "started_at", datetime(1970, 1, 1, tzinfo=UTC), "2025-13-45"),
    Fault(
        *(RESPONSES, "future_date", "started_at"),
        datetime(4320, 1, 1, tzinfo=UTC),
        "4320-01-01T00:00:00.000Z",
    ),
    Fault(
        *(RESPONSES, "ends_before_start", "completed_at"),
        datetime(1995, 1, 1, tzinfo=UTC),
        "1995-01-01T00:00:00.000Z",
        is_rejected=False,
    ),
    Fault(RESPONSES, "missing_key", "response_id", None),
    Fault(RESPONSES, "unknown_status", "status", "paused", is_rejected=False),
    Fault(RESPONSES, "out_of_range", "completion_percentage", 250.0, is_rejected=False),
    Fault(RESPONSES, "email_in_category", "gender", _MAIL, is_rejected=False),
    Fault(QUESTION_RESPONSES, "value_out_of_range", "value", IMPOSSIBLE_VALUE),
    Fault(QUESTION_RESPONSES, "unknown_item", "question_id", UNKNOWN_ITEM),
    Fault(QUESTION_RESPONSES, "orphan", "response_id", UNKNOWN_RESPONSE),
    Fault(QUESTION_RESPONSES, "missing_key", "response_id", None),
)
"""Every fault that is planted. A bad date is a text in CSV and JSONL, the year 1970 in Parquet."""

_PER_RESPONSE = tuple(fault for fault in FAULTS if fault.kind != ASSESSMENTS)


@dataclass(frozen=True, slots=True)
class Planting:
    """What is planted in one chunk: rows of the chunk, and folders by number."""

    folder: IntArray
    """Shape ``(n,)``: the folder in which each response is delivered."""
    late: IntArray
    duplicate: IntArray
    duplicate_folder: IntArray
    """Shape of ``duplicate``: the folder of the second copy."""
    dirty_rows: IntArray
    """Responses that an extra, spoiled row is copied from."""
    dirty_faults: tuple[Fault, ...]
    """One per entry of ``dirty_rows``."""
    answers: AnswerFaults


def plant(chunk: Chunk, folder: IntArray, folders: int, shares: Shares, seed: int) -> Planting:
    """Choose what is planted in a chunk; the choice depends on seed, chunk and shares only.

    Args:
        chunk: The responses.
        folder: Shape ``(n,)``: the folder to which each response belongs by its start.
        folders: Number of folders.
        shares: How much to plant.
        seed: That of the plan.
    """
    rng, count = stream(seed, Purpose.PLANTING, chunk.first // CHUNK), len(chunk)
    role = rng.random(CHUNK)[:count]
    lag = rng.integers(1, _LONGEST_LAG_MONTHS + 1, CHUNK)[:count]
    which = rng.integers(0, len(_PER_RESPONSE), CHUNK)[:count]
    place = rng.random(CHUNK)[:count]
    later = np.minimum(folder + lag, folders - 1)
    is_dirty = role < shares.dirty
    is_duplicate = ~is_dirty & (role < shares.dirty + shares.duplicate)
    is_late = ~is_dirty & ~is_duplicate & (role < shares.dirty + shares.duplicate + shares.late)
    is_late &= later > folder
    if folders > 1:
        is_duplicate &= later > folder
    of_answer = np.array([fault.kind == QUESTION_RESPONSES for fault in _PER_RESPONSE])[which]
    spoiled = np.flatnonzero(is_dirty & of_answer & (chunk.answered > 0))
    extra, twice = np.flatnonzero(is_dirty & ~of_answer), np.flatnonzero(is_duplicate)
    names = np.array([fault.name for fault in _PER_RESPONSE])
    return Planting(
        folder=np.where(is_late, later, folder),
        late=np.flatnonzero(is_late),
        duplicate=twice,
        duplicate_folder=later[twice],
        dirty_rows=extra,
        dirty_faults=tuple(_PER_RESPONSE[n] for n in which[extra]),
        answers=AnswerFaults(
            row=spoiled,
            item=np.floor(place[spoiled] * chunk.answered[spoiled]).astype(np.int64),
            name=names[which[spoiled]],
        ),
    )


def spoil(table: pa.Table, id_column: str, faults: tuple[Fault, ...], *, as_text: bool) -> pa.Table:
    """Return the rows under new ids, each with its fault; a fault in the id leaves none.

    Args:
        table: Good rows, as many as ``faults``; with texts for dates if ``as_text``.
        id_column: The column of the record's own id.
        faults: One per row.
        as_text: Whether the rows go to CSV or JSONL.
    """
    marked = pc.binary_join_element_wise(table[id_column], "x", "-")
    table = _with(table, id_column, marked)
    for fault in dict.fromkeys(faults):
        mask: npt.NDArray[np.bool_] = np.array([other is fault for other in faults])
        column = table[fault.column]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        value = fault.text if as_text and fault.text is not None else fault.value
        broken = pc.if_else(pa.array(mask), pa.scalar(value, column.type), column)
        table = _with(table, fault.column, broken)
    return table


def _with(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    """Replace a column and keep the table's schema."""
    field = table.schema.field(name)
    if pa.types.is_dictionary(field.type):
        values = values.cast(field.type.value_type).dictionary_encode()
    return table.set_column(table.schema.get_field_index(name), field, values)
