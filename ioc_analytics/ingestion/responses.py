"""Judging and writing responses.

For: ``ingestion.ingest``. Not for: their answers, scores and validations.

Accepted responses are held (about 50 bytes each beside those of ``parents``) until the whole batch
was read: whether one is careless shows only in its answers, which come later.
"""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.ingestion.digests import fixed_array, fixed_bytes, row_digests
from ioc_analytics.ingestion.load import (
    Load,
    Origin,
    content_columns,
    encoded_ids,
    select,
    time_array,
    times,
)
from ioc_analytics.ingestion.parents import ANSWERS, NEVER, UNDECIDED
from ioc_analytics.ingestion.versions import (
    ACCEPTED,
    CONFLICT,
    DUPLICATE,
    DUPLICATE_IN_BATCH,
    PERIOD_SEALED,
    judge_version,
)
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.kinds import RESPONSES
from ioc_analytics.records.vocabularies import UNKNOWN

_CATEGORIES: Final = ("region", "age_band", "gender", "device_type", "status")
_OTHERS: Final = ("respondent_hash", "completion_percentage", "completed_at", "updated_at")
"""The columns that ``parents`` does not hold too."""


class ResponseDesk:
    """Takes the responses of a batch."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._held: deque[tuple[pa.RecordBatch, npt.NDArray[np.int32]]] = deque()
        self._rows = 0

    def take(self, records: pa.RecordBatch, origin: Origin) -> None:
        """Judge responses and hold those that are new or newer."""
        load = self._load
        codes, assessment_ids = encoded_ids(records.column("assessment_hash"))
        known = np.array(
            load.find_assessments([i.tobytes() for i in assessment_ids]), dtype=np.int64
        )
        assessments = known[codes] if len(known) else codes
        has_parent = assessments >= 0
        if not has_parent.all():
            self._refuse(select(records, ~has_parent), "orphan", "assessment_id", origin)
            load.has_orphans = True
            records, assessments = select(records, has_parent), assessments[has_parent]
        has_room = load.make_room(times(records.column("created_at")))
        if not has_room.all():
            refused = select(records, ~has_room)
            self._refuse(refused, "too_many_partitions", "started_at", origin)
            records, assessments = select(records, has_room), assessments[has_room]
        if records.num_rows:
            self._judge(records, assessments, origin)

    def write(self) -> None:
        """Write the held responses; to be called when every child was judged."""
        load = self._load
        parents = load.parents.rows
        first = 0
        while self._held:
            records, places = self._held.popleft()
            rows = np.arange(first, first + len(places))
            first += len(places)
            stays = parents["row"][places] == rows
            self._write(select(records, stays), places[stays])

    def _refuse(self, records: pa.RecordBatch, rule: str, column: str, origin: Origin) -> None:
        """Put responses aside; children that come with them wait for them, not for older ones."""
        origin.refuse(RESPONSES, records, rule, column)
        places = self._load.find_parents(np.unique(fixed_bytes(records.column("id")), axis=0))
        self._load.parents.rows["is_refused"][places[places >= 0]] = True

    def _judge(
        self, records: pa.RecordBatch, assessments: npt.NDArray[np.int64], origin: Origin
    ) -> None:
        load = self._load
        ids = fixed_bytes(records.column("id"))
        created = times(records.column("created_at"))
        completed, updated = (times(records.column(n)) for n in ("completed_at", "updated_at"))
        versions = np.where(
            updated != NEVER, updated, np.where(completed != NEVER, completed, created)
        )
        contents = row_digests(content_columns(records))
        # Places of distinct ids; a repeated id in the chunk is judged row by row below.
        _, first, inverse = np.unique(
            np.ascontiguousarray(ids).view("V16").ravel(), return_index=True, return_inverse=True
        )
        places = load.find_parents(ids[first])
        is_new = places < 0
        places[is_new] = load.parents.add(ids[first[is_new]])
        self._demand_room()
        places = places[inverse]
        parents = load.parents.rows

        outcomes = np.empty(len(ids), dtype=object)
        plain = parents["version"][places] == NEVER
        if len(first) < len(ids):
            repeated = np.bincount(inverse)[inverse] > 1
            plain &= ~repeated
        outcomes[plain] = ACCEPTED
        parents["version"][places[plain]] = versions[plain]
        parents["content"][places[plain]] = contents[plain]
        superseded = 0
        accepted_here: set[int] = set()
        for at in np.flatnonzero(~plain):
            place = int(places[at])
            outcomes[at] = self._judge_one(
                place, int(versions[at]), int(contents[at]), int(assessments[at])
            )
            if outcomes[at] == ACCEPTED:
                superseded += place in accepted_here or parents["row"][place] >= 0
                accepted_here.add(place)
        # Children of this batch belong to the newest version that this batch brings.
        brought = np.where(parents["is_brought"][places], parents["child_version"][places], NEVER)
        order = np.argsort(versions, kind="stable")
        parents["child_version"][places[order]] = np.maximum(versions, brought)[order]
        parents["is_brought"][places] = True

        accepted = outcomes == ACCEPTED
        self._hold(
            select(records, accepted), places[accepted], created[accepted], assessments[accepted]
        )
        origin.count(RESPONSES, "accepted", int(accepted.sum()) - superseded)
        origin.count(RESPONSES, "duplicates", int((outcomes == DUPLICATE).sum()) + superseded)
        for rule in (CONFLICT, PERIOD_SEALED, DUPLICATE_IN_BATCH):
            refused = outcomes == rule
            if refused.any():
                origin.refuse(RESPONSES, select(records, refused), rule)

    def _judge_one(self, place: int, version: int, content: int, assessment: int) -> str:
        """Judge one row against what is known of its id."""
        parents = self._load.parents
        parent = parents.rows[place]
        outcome = ACCEPTED
        if parent["version"] != NEVER:
            outcome = judge_version(
                version,
                content,
                int(parent["version"]),
                int(parent["content"]),
                allows_replacing=self._load.allows_replacing,
            )
        if outcome != ACCEPTED:
            return outcome
        if parents.stored("is_sealed", place):
            return PERIOD_SEALED
        if (parent["action"] != UNDECIDED).any():
            # A wide file repeats an id: the answers of the first are with its start time already.
            return DUPLICATE_IN_BATCH
        if self._changes_instrument(place, assessment):
            return CONFLICT
        if parents.is_stored(place):
            self._load.replaced_batches.add(int(parents.stored("response_batch", place)))
        parent["version"], parent["content"] = version, content
        return ACCEPTED

    def _changes_instrument(self, place: int, assessment: int) -> bool:
        # Stored answers follow the old instrument; another one would give them another meaning.
        parents = self._load.parents
        return bool(
            parents.stored("version", place, ANSWERS) != NEVER
            and parents.rows["instrument"][place] != self._load.instrument_place(assessment)
        )

    def _hold(
        self,
        records: pa.RecordBatch,
        places: npt.NDArray[np.int64],
        created: npt.NDArray[np.int64],
        assessments: npt.NDArray[np.int64],
    ) -> None:
        if not records.num_rows:
            return
        load = self._load
        parents = load.parents.rows
        seconds = pc.fill_null(records.column("time_spent_seconds"), float("nan"))
        parents["created"][places] = created
        parents["assessment"][places] = assessments
        instruments = np.array(
            [load.instrument_place(place) for place in range(len(load.assessments))], dtype=np.int32
        )
        parents["instrument"][places] = instruments[assessments]
        parents["seconds"][places] = seconds.to_numpy(zero_copy_only=False)
        parents["row"][places] = np.arange(self._rows, self._rows + len(places))
        self._rows += len(places)
        columns = {name: _short(records.column(name)) for name in _CATEGORIES}
        columns |= {name: records.column(name) for name in _OTHERS}
        self._held.append((pa.RecordBatch.from_pydict(columns), places.astype(np.int32)))

    def _demand_room(self) -> None:
        limit = self._load.config.limits.max_batch_responses
        if len(self._load.parents) > limit:
            raise InvalidInput(
                f"the batch holds more than {limit:,} responses, the limit of one batch; "
                "split it, or raise ANALYTICS_MAX_BATCH_RESPONSES (about 300 bytes of memory each)"
            )

    def _write(self, records: pa.RecordBatch, places: npt.NDArray[np.int64]) -> None:
        load = self._load
        parents = load.parents.rows[places]
        held = {
            name: column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            for name, column in zip(records.schema.names, records.columns, strict=True)
        }
        facts = [load.assessments[place] for place in parents["assessment"]]
        regions = [
            own if own != UNKNOWN else assessment.region
            for own, assessment in zip(held["region"].to_pylist(), facts, strict=True)
        ]
        organizations = np.frombuffer(b"".join(f.org_hash for f in facts), dtype=np.uint8)
        columns = held | {
            "id": fixed_array(load.parents.ids[places]),
            "assessment_hash": fixed_array(load.assessment_ids(parents["assessment"])),
            "created_at": time_array(parents["created"]),
            "time_spent_seconds": pa.array(parents["seconds"], from_pandas=True),
            "region": pa.array(regions, type=pa.string()),
            "org_hash": fixed_array(organizations.reshape(-1, 16)),
            "is_careless": pa.array(parents["is_careless"]),
            "batch_id": pa.array(np.full(len(places), load.batch_id, dtype=np.int64)),
        }
        load.copy(
            "analytics", "anonymized_assessment_responses", [pa.RecordBatch.from_pydict(columns)]
        )


def _short(words: pa.Array) -> pa.Array:
    """Return a column of categories with a byte for each value."""
    if not pa.types.is_dictionary(words.type):
        words = words.dictionary_encode()
    return pa.DictionaryArray.from_arrays(words.indices.cast(pa.int8()), words.dictionary)
