"""Judging delivered scores, and scoring answers that come without any.

For: ``ingestion.ingest``. Not for: the formula (``statistics.scoring``) or norms.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.ingestion.answers import MISSING, AnswerMatrix
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
from ioc_analytics.ingestion.parents import ANSWERS, COMPARE, NEVER, SCORES, STALE, WRITE
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.kinds import SCORES as SCORE_RECORDS
from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.statistics.scoring import score_traits

SCORING_VERSION: Final = "platform-1"
"""Name of the platform's own scoring rule, as stored with every score it makes."""

_BLOCK: Final = 20_000


class ScoreDesk:
    """Takes the delivered scores of a batch and scores what comes without."""

    def __init__(self, load: Load) -> None:
        self._load = load
        # Delivered scores of this batch and stored ones to compare with; NaN: none.
        self._known: npt.NDArray[np.float64] = np.full((0, len(TRAITS)), np.nan)

    def take(self, records: pa.RecordBatch, origin: Origin) -> None:
        """Judge delivered scores and write those that are new or newer."""
        load = self._load
        records, places = match_parents(load, SCORE_RECORDS, records, origin)
        if not records.num_rows:
            return
        self._make_room()
        fresh = decide(load, SCORES, places)
        parents = load.parents.rows
        # Newer answers are stored, and their scores with them.
        stored_answers = load.parents.stored("version", fresh, ANSWERS)
        is_old = stored_answers > parents["child_version"][fresh]
        parents["action"][fresh[is_old], SCORES] = STALE
        compared = fresh[parents["action"][fresh, SCORES] == COMPARE]
        if len(compared):
            self._read_stored(compared)
        delete_children(load, "delete_scores", SCORES, fresh)
        # Scores that the platform made itself give way to delivered ones.
        own = fresh[
            (parents["action"][fresh, SCORES] == WRITE)
            & load.parents.is_stored(fresh)
            & (load.parents.stored("version", fresh, SCORES) == NEVER)
        ]
        if len(own):
            load.execute("delete_scores", stored_keys(load, own))
        writes, compares = settle(load, SCORE_RECORDS, SCORES, records, places, origin)
        parents["is_scored"][places[writes]] = True
        codes, dictionary = encoded(records.column("dimension"))
        traits = np.array([TRAITS.index(t) for t in dictionary.to_pylist()], dtype=np.int64)[codes]
        self._settle_repeats(records, places, traits, writes, compares, origin)

    def score_answers(self, matrices: dict[int, AnswerMatrix]) -> None:
        """Score the written answers of responses for which no scores were delivered."""
        load = self._load
        parents = load.parents
        is_wanted = (
            parents.is_written(ANSWERS)
            & ~parents.rows["is_scored"]
            & (parents.stored("version", kind=SCORES) < parents.written_version(ANSWERS))
        )
        for matrix in matrices.values():
            wanted = load.parents.by_time(matrix.parents, np.flatnonzero(is_wanted[matrix.parents]))
            for first in range(0, len(wanted), _BLOCK):
                rows = wanted[first : first + _BLOCK]
                self._score(matrix, rows)

    def score_again(self, matrices: dict[int, AnswerMatrix]) -> None:
        """Score stored answers whose scores were taken out."""
        for matrix in matrices.values():
            for first in range(0, len(matrix.parents), _BLOCK):
                rows = np.arange(first, min(first + _BLOCK, len(matrix.parents)))
                self._score(matrix, rows)

    def _make_room(self) -> None:
        known = len(self._known)
        self._known = with_room(self._known, len(self._load.parents))
        self._known[known:] = np.nan

    def _read_stored(self, places: npt.NDArray[np.int64]) -> None:
        rows = self._load.connection.execute(
            sqlfiles.query("ingestion/stored_scores"), stored_keys(self._load, places)
        ).fetchall()
        if not rows:
            return
        ids = np.frombuffer(b"".join(row[0].bytes for row in rows), dtype=np.uint8)
        found = self._load.parents.find(ids.reshape(-1, 16))
        traits = [TRAITS.index(row[1]) for row in rows]
        self._known[found, traits] = [row[2] for row in rows]

    def _settle_repeats(
        self,
        records: pa.RecordBatch,
        places: npt.NDArray[np.int64],
        traits: npt.NDArray[np.int64],
        writes: npt.NDArray[np.bool_],
        compares: npt.NDArray[np.bool_],
        origin: Origin,
    ) -> None:
        scores = records.column("score").to_numpy(zero_copy_only=False)
        cells = places * len(TRAITS) + traits
        new = (writes | compares) & np.isnan(self._known[places, traits])
        _, first = np.unique(np.where(new, cells, -1), return_index=True)
        is_first = np.zeros(len(cells), dtype=np.bool_)
        is_first[first] = True
        new &= is_first
        self._known[places[new], traits[new]] = scores[new]
        extend(self._load, SCORES, places[new & compares])
        compares = (compares | writes) & ~new
        same = compares & (self._known[places, traits] == scores)
        origin.count(SCORE_RECORDS, "duplicates", int(same.sum()))
        other = compares & ~same
        if other.any():
            origin.refuse(SCORE_RECORDS, select(records, other), "conflict", "score")
        origin.count(SCORE_RECORDS, "accepted", int(new.sum()))
        if new.any():
            self._write_delivered(select(records, new), places[new])

    def _write_delivered(self, records: pa.RecordBatch, places: npt.NDArray[np.int64]) -> None:
        dimension = records.column("dimension")
        if pa.types.is_dictionary(dimension.type):
            dimension = dimension.dictionary_decode()
        version = records.column("scoring_version")
        if pa.types.is_dictionary(version.type):
            version = version.dictionary_decode()
        self._copy(
            places,
            {
                "score": records.column("score"),
                "raw_score": records.column("raw_score"),
                "percentile": records.column("percentile"),
                "dimension": dimension,
                "scoring_version": pc.fill_null(version, "delivered"),
            },
        )

    def _score(self, matrix: AnswerMatrix, rows: npt.NDArray[np.int64]) -> None:
        load = self._load
        places = matrix.parents[rows]
        stored = places[load.parents.is_stored(places)]
        if len(stored):
            load.execute("delete_scores", stored_keys(load, stored, has_moved=True))
            # The delivered scores of an older version are gone now.
            is_delivered = load.parents.stored("version", stored, SCORES) != NEVER
            load.note_replaced(SCORES, stored[is_delivered])
            load.parents.forget_stored(SCORES, stored)
        scores, raw = score_traits(matrix.values[rows], matrix.instrument, missing=MISSING)
        has_score = ~np.isnan(scores)
        which, trait = np.nonzero(has_score)
        words = pa.DictionaryArray.from_arrays(pa.array(trait.astype(np.int8)), pa.array(TRAITS))
        number = len(which)
        batches = np.where(
            load.parents.is_written(ANSWERS, places),
            load.batch_id,
            load.parents.stored("batch", places, ANSWERS),
        )
        self._copy(
            places[which],
            {
                "batch_id": pa.array(batches[which]),
                "score": pa.array(scores[has_score]),
                "raw_score": pa.array(raw[has_score]),
                "percentile": pa.nulls(number, pa.float64()),
                "dimension": words.dictionary_decode(),
                "scoring_version": pa.array([SCORING_VERSION] * number),
            },
        )

    def _copy(self, places: npt.NDArray[np.int64], columns: dict[str, pa.Array]) -> None:
        load = self._load
        parents = load.parents.rows[places]
        load.copy(
            "analytics",
            "anonymized_assessment_scores",
            [
                pa.RecordBatch.from_pydict(
                    {
                        "assessment_hash": fixed_array(load.assessment_ids(parents["assessment"])),
                        "response_hash": fixed_array(load.parents.ids[places]),
                        "created_at": time_array(parents["created"]),
                        "batch_id": pa.array(np.full(len(places), load.batch_id)),
                        **columns,
                    }
                )
            ],
        )
