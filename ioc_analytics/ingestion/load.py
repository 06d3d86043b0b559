"""One batch on its way into the database: what its kinds share within one transaction.

For: the desks (``assessments``, ``responses``, ``answers``, ``scores``, ``validations``), which
each judge one kind of record. Not for: claiming a batch, retries and commit (``ingestion.ingest``).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.database.copying import copy_in, uuid_array_literal
from ioc_analytics.database.pools import Database
from ioc_analytics.ingestion.digests import fixed_bytes
from ioc_analytics.ingestion.parents import ANSWERS, NEVER, SCORES, VALIDATIONS, Parents
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.ahead import read_ahead
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.schema.partitions import make_partitions, missing_partitions

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MICROSECONDS: Final = 86_400_000_000


class Origin(Protocol):
    """Where records come from: who counts them and what happens to refused ones."""

    def count(self, kind: str, outcome: str, number: int) -> None:
        """Add to the count of ``received``, ``accepted``, ``duplicates`` or ``quarantined``."""

    def refuse(
        self,
        kind: str,
        records: pa.RecordBatch,
        rule: str,
        column: str | None = None,
    ) -> None:
        """Put records aside; a rule or column that stands in their line columns wins."""


@dataclass(frozen=True, slots=True)
class AssessmentFacts:
    """What the responses of an assessment need to know of it."""

    id: bytes
    org_hash: bytes
    region: str
    instrument: str


@dataclass(slots=True)
class Load:
    """The state of one batch within its transaction."""

    connection: psycopg.Connection[Any]
    database: Database
    config: AnalyticsConfig
    batch_id: int
    instruments: Mapping[str, Instrument]
    key_id: str | None = None
    is_check: bool = False
    allows_replacing: bool = False
    is_rejudging: bool = False
    has_orphans: bool = False
    parents: Parents = field(default_factory=Parents)
    assessments: list[AssessmentFacts] = field(default_factory=list)
    assessment_places: dict[bytes, int] = field(default_factory=dict)
    replaced_batches: set[int] = field(default_factory=set)
    touched: set[date] = field(default_factory=set)
    set_up: set[date] = field(default_factory=set)
    """Days on which assessments are newly set up, or no longer so."""

    _months: dict[date, bool] = field(default_factory=dict)
    _made_partitions: int = 0
    instrument_names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.instrument_names = list(self.instruments)

    def copy(self, schema: str, table: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Write rows in one COPY, unless the batch is only being checked.

        The next rows are made while the server takes the ones before.
        """
        if not self.is_check:
            copy_in(self.connection, schema, table, batches, self.ahead)

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        """Make the next items in a second thread, where the settings allow one."""
        if self.config.operations.parallel_processing > 1:
            return read_ahead(items)
        return iter(items)

    def execute(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Run a named statement that changes rows, unless the batch is only being checked."""
        if not self.is_check:
            self.connection.execute(sqlfiles.query(f"ingestion/{name}"), parameters)

    def note_replaced(self, kind: int, places: npt.NDArray[np.int64]) -> None:
        """Note the batches whose children of a kind are replaced or added to."""
        self.replaced_batches.update(np.unique(self.parents.stored("batch", places, kind)).tolist())

    def touch(self, created: npt.NDArray[np.int64]) -> None:
        """Note the UTC days of some start times (microseconds since 1970)."""
        stored = created[created != NEVER]
        for day in np.unique(stored // _DAY_MICROSECONDS):
            self.touched.add((_EPOCH + timedelta(days=int(day))).date())

    def touched_days(self) -> list[date]:
        """Return the days to mark, ascending: those whose responses changed.

        Without any, those on which assessments were set up, so that somebody asks for a refresh:
        each looks at these days of its own accord, and has no need to count responses again.
        """
        return sorted(self.touched or self.set_up)

    # -- parents -------------------------------------------------------------------------

    def find_parents(self, ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Return the places of responses, looking unknown ones up in the registry.

        Args:
            ids: Distinct pseudonyms, shape ``(n, 16)``.

        Returns:
            Shape ``(n,)``; -1 for responses that neither the batch nor the registry knows.
        """
        places = self.parents.find(ids)
        unknown = np.flatnonzero(places < 0)
        if len(unknown):
            self._add_registered(ids[unknown])
            places[unknown] = self.parents.find(ids[unknown])
        return places

    def _add_registered(self, ids: npt.NDArray[np.uint8]) -> None:
        found = self.connection.execute(
            sqlfiles.query("ingestion/registered"), {"ids": uuid_array_literal(ids)}
        ).fetchall()
        if not found:
            return
        known = np.frombuffer(b"".join(row[0].bytes for row in found), dtype=np.uint8)
        parents, stored = self.parents.add_stored(known.reshape(-1, 16))
        assessments = self.find_assessments([row[2].bytes for row in found])
        for parent, fact, row, assessment in zip(parents, stored, found, assessments, strict=True):
            parent["created"] = fact["created"] = microseconds(row[1])
            parent["assessment"] = fact["assessment"] = assessment
            parent["instrument"] = self.instrument_place(assessment)
            parent["version"] = parent["child_version"] = microseconds(row[3])
            parent["content"] = row[4]
            fact["response_batch"] = row[5]
            fact["is_sealed"] = row[12]
            for kind, (version, batch) in zip(
                (ANSWERS, SCORES, VALIDATIONS),
                ((row[6], row[7]), (row[8], row[9]), (row[10], row[11])),
                strict=True,
            ):
                fact["version"][kind] = NEVER if version is None else microseconds(version)
                fact["batch"][kind] = batch or 0

    # -- assessments ---------------------------------------------------------------------

    def find_assessments(self, ids: Sequence[bytes]) -> list[int]:
        """Return the places of assessments, looking unknown ones up; -1: not known at all."""
        unknown = {identifier for identifier in ids if identifier not in self.assessment_places}
        if unknown:
            wanted = np.frombuffer(b"".join(sorted(unknown)), dtype=np.uint8).reshape(-1, 16)
            for row in self.connection.execute(
                sqlfiles.query("ingestion/known_assessments"), {"ids": uuid_array_literal(wanted)}
            ):
                self.know_assessment(AssessmentFacts(row[0].bytes, row[1].bytes, row[2], row[3]))
        return [self.assessment_places.get(identifier, -1) for identifier in ids]

    def know_assessment(self, facts: AssessmentFacts) -> None:
        """Remember an assessment of the batch or of the database."""
        place = self.assessment_places.get(facts.id)
        if place is None:
            self.assessment_places[facts.id] = len(self.assessments)
            self.assessments.append(facts)
        else:
            self.assessments[place] = facts

    def assessment_ids(self, places: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
        """Return the pseudonyms of assessments, shape ``(n, 16)``."""
        known = np.frombuffer(b"".join(facts.id for facts in self.assessments), dtype=np.uint8)
        return np.asarray(known.reshape(-1, 16)[places])

    def instrument_place(self, assessment: int) -> int:
        """Return the place of the instrument of an assessment, -1 when it is not known."""
        if assessment < 0:
            return -1
        name = self.assessments[assessment].instrument
        return self.instrument_names.index(name) if name in self.instruments else -1

    # -- partitions ----------------------------------------------------------------------

    def make_room(self, created: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Make sure of the partitions that start times need, within the limit of a batch.

        The partitions are made by another transaction, so that this one holds no lock on the
        parents while it loads.

        Returns:
            Which start times have a partition.
        """
        months = created.astype("datetime64[us]").astype("datetime64[M]")
        wanted, first, counts = np.unique(months, return_inverse=True, return_counts=True)
        days: list[date] = [month.astype("datetime64[D]").item() for month in wanted]
        # The months with the most rows come first, should the limit not suffice for all.
        unknown = [
            days[i] for i in np.argsort(-counts, kind="stable") if days[i] not in self._months
        ]
        if unknown:
            self._reserve(unknown)
        return np.array([self._months[day] for day in days], dtype=np.bool_)[first]

    def _reserve(self, days: Sequence[date]) -> None:
        retention = self.config.retention_days
        limit = self.config.limits.max_new_partitions
        missing = missing_partitions(self.connection, days, retention)
        allowed: set[str] = set()
        for day in days:
            period = next((p for p in missing if p[1] <= day < p[2]), None)
            if period is None:
                self._months[day] = True
                continue
            if period[0] not in allowed and self._made_partitions < limit:
                allowed.add(period[0])
                self._made_partitions += 1
            self._months[day] = period[0] in allowed
        made = [day for day in days if self._months[day]]
        if made and not self.is_check and missing:
            with self.database.connection("ingest") as other:
                make_partitions(other, made, retention)


def microseconds(moment: datetime) -> int:
    """Return an aware time as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def times(column: pa.Array) -> npt.NDArray[np.int64]:
    """Return a time column as microseconds since 1970; NULL is ``NEVER``."""
    whole = pc.fill_null(column.cast(pa.int64()), NEVER)
    return np.asarray(whole.to_numpy(zero_copy_only=False), dtype=np.int64)


def time_array(values: npt.NDArray[np.int64]) -> pa.Array:
    """Return microseconds since 1970 as an Arrow time column; ``NEVER`` is NULL."""
    column = pa.array(np.ascontiguousarray(values), mask=values == NEVER)
    return column.cast(pa.timestamp("us", tz="UTC"))


def as_batch(table: pa.Table | pa.RecordBatch) -> pa.RecordBatch:
    """Return a table as one record batch; dictionaries of its chunks are made one."""
    if isinstance(table, pa.RecordBatch):
        return table
    batches = table.unify_dictionaries().combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def select(records: pa.RecordBatch, keep: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    """Return the rows where ``keep`` holds; the batch itself when it holds everywhere."""
    return records if keep.all() else records.filter(pa.array(keep))


def content_columns(records: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch without the columns that tell where a record comes from."""
    return records.select([name for name in records.schema.names if not name.startswith("_")])


def encoded(column: pa.Array) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Return the codes and the dictionary of a column; a NULL has code -1."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
    return np.asarray(codes, dtype=np.int64), column.dictionary


def encoded_ids(column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return the codes and the distinct pseudonyms, shape ``(n, 16)``, of an id column."""
    codes, dictionary = encoded(column)
    return codes, fixed_bytes(dictionary)


class Tally:
    """Counts of records by kind and outcome."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, kind: str, outcome: str, number: int) -> None:
        """Add to a count."""
        self._counts[kind, outcome] += int(number)  # numpy's own are no JSON

    def get(self, kind: str, outcome: str) -> int:
        """Return a count."""
        return self._counts[kind, outcome]

    def kinds(self) -> Iterable[str]:
        """Return the kinds that were counted."""
        return sorted({kind for kind, _ in self._counts})
