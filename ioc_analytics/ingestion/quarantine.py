"""The quarantine: records put aside with a reason, listed, and judged again.

For: ingestion (refusing), the command line (listing, showing). Not for: deciding what breaks a
rule (the contracts and the desks do).

What is stored is the pseudonymised record, never the operational one, so a record can be judged
again without its file.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pyarrow as pa
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ioc_analytics.database.copying import copy_rows_in
from ioc_analytics.ingestion.load import Tally
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.contracts import CONTRACT_VERSION
from ioc_analytics.records.kinds import ASSESSMENTS, LINE_COLUMNS, RESPONSES
from ioc_analytics.records.tables import ANONYMISED_SCHEMAS, LINE_SCHEMA


class FileOrigin:
    """Records from a file: counted in the receipt, put aside in the quarantine."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        batch_id: int,
        file: str,
        tally: Tally,
        rules: Counter[str],
        *,
        is_check: bool,
    ) -> None:
        self._connection = connection
        self._batch_id = batch_id
        self._file = file
        self._tally = tally
        self._rules = rules
        self._is_check = is_check

    def count(self, kind: str, outcome: str, number: int) -> None:
        """Add to the counts of the receipt."""
        self._tally.count(kind, outcome, number)

    def refuse(
        self, kind: str, records: pa.RecordBatch, rule: str, column: str | None = None
    ) -> None:
        """Put records aside; a rule that their line columns name comes first."""
        refused = refusals(kind, records, self._file, rule, column)
        self._tally.count(kind, "quarantined", len(refused))
        self._rules.update(refusal.rule for refusal in refused)
        if not self._is_check:
            put_aside(self._connection, self._batch_id, refused)


class Refusal(NamedTuple):
    """A record that was refused, as the quarantine holds it."""

    kind: str
    rule: str
    file: str
    line: int | None
    column_name: str | None
    value: str | None
    contract_version: str
    record_id: UUID | None
    parent_id: UUID | None
    record: Jsonb


def refusals(
    kind: str, records: pa.RecordBatch, file: str, rule: str, column: str | None
) -> list[Refusal]:
    """Return refused records of a file; a rule that their line columns name comes first."""
    own = "id" if kind in (ASSESSMENTS, RESPONSES) else "response_hash"
    parent = {ASSESSMENTS: None, RESPONSES: "assessment_hash"}.get(kind, "response_hash")
    found = []
    for row in records.to_pylist():
        line, own_rule, own_column, value = (row.pop(name, None) for name in LINE_COLUMNS)
        if own_rule is None and column == "value" and row.get("value") is not None:
            value = str(row["value"])
        found.append(
            Refusal(
                kind=kind,
                rule=own_rule or rule,
                file=file,
                line=line,
                column_name=own_column or column,
                value=value,
                contract_version=CONTRACT_VERSION,
                record_id=_uuid(row.get(own)),
                parent_id=_uuid(row[parent]) if parent else None,
                record=Jsonb({n: _plain(field) for n, field in row.items() if field is not None}),
            )
        )
    return found


def put_aside(
    connection: psycopg.Connection[Any], batch_id: int, refused: Sequence[Refusal]
) -> None:
    """Write refused records of a batch into the quarantine."""
    if refused:
        rows = ((batch_id, *refusal) for refusal in refused)
        names = ("batch_id", *Refusal._fields)
        copy_rows_in(connection, "internal", "quarantine", names, rows)


class RejudgedOrigin:
    """Records from the quarantine: those that are not refused again leave it."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = set(ids)
        self.refused: set[int] = set()

    @property
    def settled(self) -> list[int]:
        """Numbers of the quarantine entries that are stored, or found stored, now."""
        return sorted(self._ids - self.refused)

    def count(self, kind: str, outcome: str, number: int) -> None:
        """Count nothing: the records were counted in the receipt of their own batch."""

    def refuse(
        self, kind: str, records: pa.RecordBatch, rule: str, column: str | None = None
    ) -> None:
        """Leave records where they are."""
        self.refused.update(records.column("_quarantine").to_pylist())


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One record put aside."""

    id: int
    batch_id: int
    batch: str
    kind: str
    rule: str
    file: str
    line: int | None
    column_name: str | None
    value: str | None
    contract_version: str
    quarantined_at: datetime
    status: str
    settled_at: datetime | None = None
    settled_by: int | None = None
    record: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the entry ready for JSON."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in values.items()
        }


def list_entries(
    connection: psycopg.Connection[Any],
    *,
    batch_id: int | None = None,
    rule: str | None = None,
    status: str = "waiting",
    limit: int = 100,
) -> list[QuarantineEntry]:
    """Return records put aside, newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            sqlfiles.query("ingestion/list_quarantine"),
            {"batch_id": batch_id, "rule": rule, "status": status, "limit": limit},
        )
        return [QuarantineEntry(**row) for row in cursor]


def read_entry(connection: psycopg.Connection[Any], number: int) -> QuarantineEntry:
    """Return one record put aside.

    Raises:
        InvalidInput: There is no such entry.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(sqlfiles.query("ingestion/show_quarantine"), {"id": number}).fetchone()
    if row is None:
        raise InvalidInput(f"the quarantine has no entry {number}; `quarantine list` shows them")
    return QuarantineEntry(**row)


def rebuild_records(
    kind: str, entries: Sequence[tuple[int, int | None, dict[str, Any]]]
) -> pa.RecordBatch:
    """Return stored records as an anonymised batch, to be judged again.

    Args:
        kind: Kind of all the records.
        entries: Number, line and pseudonymised record of each.
    """
    schema = ANONYMISED_SCHEMAS[kind]
    columns = {}
    for field in schema:
        values = [record.get(field.name) for _, _, record in entries]
        if field.type == pa.binary(16):
            values = [None if value is None else UUID(value).bytes for value in values]
        elif pa.types.is_timestamp(field.type):
            values = [None if value is None else datetime.fromisoformat(value) for value in values]
        columns[field.name] = pa.array(values, type=field.type)
    columns["_line"] = pa.array([line for _, line, _ in entries], type=pa.int64())
    for name in LINE_COLUMNS[1:]:
        columns[name] = pa.nulls(len(entries), LINE_SCHEMA.field(name).type)
    columns["_quarantine"] = pa.array([number for number, _, _ in entries], type=pa.int64())
    return pa.RecordBatch.from_pydict(columns)


def _uuid(value: bytes | None) -> UUID | None:
    return None if value is None else UUID(bytes=value)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return str(UUID(bytes=value))
    return value.isoformat() if isinstance(value, datetime) else value
