"""Judging answers: the bulk of every batch.

For: ``ingestion.ingest``. Not for: turning answers into scores (``ingestion.scores``), or the order
in which the rows are written (``ingestion.runs``).

Per instrument one matrix of signed bytes holds the answers of the batch, a row per response. It
finds repeated answers without an index, gives scores and careless flags without a second reading,
and becomes the stored answer vectors. A million responses to 50 questions take 50 MB.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ioc_analytics.ingestion.children import (
    decide,
    delete_children,
    extend,
    match_parents,
    settle,
    stored_keys,
)
from ioc_analytics.ingestion.digests import fixed_array
from ioc_analytics.ingestion.growth import with_room
from ioc_analytics.ingestion.load import Load, Origin, encoded, select, time_array
from ioc_analytics.ingestion.parents import ANSWERS, COMPARE, EXTEND, WRITE
from ioc_analytics.ingestion.runs import AnswerRun
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.kinds import QUESTION_RESPONSES

MISSING: Final = -128
"""Mark of a question that was not answered, in matrices and stored vectors."""


class AnswerMatrix:
    """The answers to one instrument, a row per response, a column per question."""

    def __init__(self, instrument: Instrument) -> None:
        if not MISSING < instrument.scale_minimum <= instrument.scale_maximum <= 127:
            raise InvalidInput(
                f"instrument {instrument.name!r} has a scale of {instrument.scale_minimum} to "
                f"{instrument.scale_maximum}; answers must lie within -127 to 127"
            )
        self.instrument = instrument
        self.columns = {item.code: at for at, item in enumerate(instrument.items)}
        self.question_ids = np.array([i.question_id for i in instrument.items], dtype=np.int16)
        self._parents: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._values: npt.NDArray[np.int8] = np.empty((0, len(instrument.items)), dtype=np.int8)
        self._count = 0

    @property
    def parents(self) -> npt.NDArray[np.int64]:
        """Place among the parents of the response of each row."""
        return self._parents[: self._count]

    @property
    def values(self) -> npt.NDArray[np.int8]:
        """Shape ``(n_responses, n_items)``; ``MISSING`` where not answered."""
        return self._values[: self._count]

    def add(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Add a row for each response and return the row numbers."""
        first, self._count = self._count, self._count + len(places)
        self._parents = with_room(self._parents, self._count)
        self._values = with_room(self._values, self._count)
        self._parents[first : self._count] = places
        self._values[first : self._count] = MISSING
        return np.arange(first, self._count)


class AnswerDesk:
    """Takes the answers of a batch."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.matrices: dict[int, AnswerMatrix] = {}
        self._unwritten = AnswerRun(load)

    def take(self, records: pa.RecordBatch, origin: Origin) -> None:
        """Judge answers and write those that are new or newer."""
        load = self._load
        records, places = match_parents(load, QUESTION_RESPONSES, records, origin)
        instruments = load.parents.rows["instrument"][places]
        unknown = instruments < 0
        if unknown.any():
            refused = select(records, unknown)
            origin.refuse(QUESTION_RESPONSES, refused, "unknown_instrument", "response_id")
            records, places = select(records, ~unknown), places[~unknown]
            instruments = instruments[~unknown]
        for instrument in np.unique(instruments):
            mine = instruments == instrument
            self._take(int(instrument), select(records, mine), places[mine], origin)

    def write(self) -> None:
        """Write what is held, and the answer vectors of all responses with new answers."""
        load = self._load
        self._unwritten.write()
        is_written = load.parents.is_written(ANSWERS)
        extended = np.flatnonzero(load.parents.rows["action"][:, ANSWERS] == EXTEND)
        if len(extended):
            load.execute("delete_vectors", stored_keys(load, extended, has_moved=True))
        for matrix in self.matrices.values():
            written = np.flatnonzero(is_written[matrix.parents])
            written = load.parents.by_time(matrix.parents, written)
            for first in range(0, len(written), 50_000):
                rows = written[first : first + 50_000]
                places = matrix.parents[rows]
                answers = np.ascontiguousarray(matrix.values[rows])
                width = answers.shape[1]
                vectors = pa.FixedSizeBinaryArray.from_buffers(
                    pa.binary(width), len(rows), [None, pa.py_buffer(answers)]
                )
                load.copy(
                    "internal",
                    "answer_vectors",
                    [
                        pa.RecordBatch.from_pydict(
                            {
                                "created_at": time_array(load.parents.rows["created"][places]),
                                "response_hash": fixed_array(load.parents.ids[places]),
                                "batch_id": pa.array(np.full(len(rows), load.batch_id)),
                                "instrument": pa.array([matrix.instrument.name] * len(rows)),
                                "answers": vectors,
                            }
                        )
                    ],
                )

    def load_stored(self, places: npt.NDArray[np.int64]) -> None:
        """Read the stored answers of responses into their matrices, where they are not yet."""
        parents = self._load.parents.rows
        wanted = places[(parents["slot"][places] < 0) & (parents["instrument"][places] >= 0)]
        for instrument in np.unique(parents["instrument"][wanted]):
            mine = wanted[parents["instrument"][wanted] == instrument]
            matrix = self._matrix(int(instrument))
            rows = self._load.connection.execute(
                sqlfiles.query("ingestion/stored_answers"), stored_keys(self._load, mine)
            ).fetchall()
            parents["slot"][mine] = matrix.add(mine)
            by_id = {row[0].bytes: row[1] for row in rows}
            for place in mine:
                answers = by_id.get(self._load.parents.ids[place].tobytes())
                if answers is not None:
                    matrix.values[parents["slot"][place]] = np.frombuffer(answers, dtype=np.int8)

    def _matrix(self, instrument: int) -> AnswerMatrix:
        if instrument not in self.matrices:
            name = self._load.instrument_names[instrument]
            self.matrices[instrument] = AnswerMatrix(self._load.instruments[name])
        return self.matrices[instrument]

    def _take(
        self,
        instrument: int,
        records: pa.RecordBatch,
        places: npt.NDArray[np.int64],
        origin: Origin,
    ) -> None:
        load, matrix = self._load, self._matrix(instrument)
        codes, dictionary = encoded(records.column("question_id"))
        known = np.array(
            [matrix.columns.get(c, -1) for c in dictionary.to_pylist()], dtype=np.int64
        )
        columns = known[codes]
        values = records.column("value").to_numpy(zero_copy_only=False)
        scale = matrix.instrument
        for rule, column, bad in (
            ("unknown_item", "question_id", columns < 0),
            (
                "value_out_of_range",
                "value",
                (values < scale.scale_minimum) | (values > scale.scale_maximum),
            ),
        ):
            if bad.any():
                origin.refuse(QUESTION_RESPONSES, select(records, bad), rule, column)
                records, places = select(records, ~bad), places[~bad]
                columns, values = columns[~bad], values[~bad]
                return self._take(instrument, records, places, origin)
        fresh = decide(load, ANSWERS, places)
        actions = load.parents.rows["action"][fresh, ANSWERS]
        delete_children(load, "delete_answers", ANSWERS, fresh)
        self.load_stored(fresh[actions == COMPARE])
        writing = fresh[actions == WRITE]
        load.parents.rows["slot"][writing] = matrix.add(writing)
        writes, compares = settle(load, QUESTION_RESPONSES, ANSWERS, records, places, origin)
        slots = load.parents.rows["slot"][places].astype(np.int64)
        cells = slots * len(scale.items) + columns
        if compares.any():
            # Answers that were not there before contradict nothing.
            added = compares.copy()
            added[compares] = matrix.values.reshape(-1)[cells[compares]] == MISSING
            extend(load, ANSWERS, places[added])
            writes, compares = writes | added, compares & ~added
        self._compare(records, cells, values, compares, matrix, origin)
        self._write(records, places, cells, values, writes, matrix, origin)
        return None

    def _compare(
        self,
        records: pa.RecordBatch,
        cells: npt.NDArray[np.int64],
        values: npt.NDArray[np.int16],
        compares: npt.NDArray[np.bool_],
        matrix: AnswerMatrix,
        origin: Origin,
    ) -> None:
        if not compares.any():
            return
        same = compares.copy()
        same[compares] = matrix.values.reshape(-1)[cells[compares]] == values[compares]
        origin.count(QUESTION_RESPONSES, "duplicates", int(same.sum()))
        other = compares & ~same
        if other.any():
            origin.refuse(QUESTION_RESPONSES, select(records, other), "conflict", "value")

    def _write(
        self,
        records: pa.RecordBatch,
        places: npt.NDArray[np.int64],
        cells: npt.NDArray[np.int64],
        values: npt.NDArray[np.int16],
        writes: npt.NDArray[np.bool_],
        matrix: AnswerMatrix,
        origin: Origin,
    ) -> None:
        if not writes.any():
            return
        flat = matrix.values.reshape(-1)
        new = writes & (np.where(writes, flat[np.where(writes, cells, 0)], 0) == MISSING)
        if (np.diff(cells) <= 0).any():
            # Answers in no order: only the first of a repeated one within the chunk is new.
            _, first = np.unique(np.where(new, cells, -1), return_index=True)
            is_first = np.zeros(len(cells), dtype=np.bool_)
            is_first[first] = True
            new &= is_first
        flat[cells[new]] = values[new]
        repeated = writes & ~new
        if repeated.any():
            self._compare(records, cells, values, repeated, matrix, origin)
        number = int(new.sum())
        if not number:
            return
        origin.count(QUESTION_RESPONSES, "accepted", number)
        self._unwritten.add(
            places[new],
            matrix.question_ids[cells[new] % len(matrix.question_ids)],
            values[new],
            select(records, new).column("time_spent_ms"),
        )
