"""Judging and writing the scores of two AI raters.

For: ``ingestion.ingest``. Not for: their agreement (``dual_ai_validation_metrics``).
"""

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
from ioc_analytics.ingestion.digests import fixed_array, row_digests
from ioc_analytics.ingestion.load import Load, Origin, content_columns, select, time_array
from ioc_analytics.ingestion.parents import COMPARE, VALIDATIONS
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.kinds import AI_VALIDATIONS

_KEY = ("response_hash", "dimension", "primary_model", "secondary_model")
_SCORES = ("primary_score", "secondary_score")


class ValidationDesk:
    """Takes the AI validations of a batch."""

    def __init__(self, load: Load) -> None:
        self._load = load
        # Digest of the key -> digest of the scores, of this batch and of stored rows to compare.
        self._known: dict[int, int] = {}

    def take(self, records: pa.RecordBatch, origin: Origin) -> None:
        """Judge validations and write those that are new or newer."""
        load = self._load
        records, places = match_parents(load, AI_VALIDATIONS, records, origin)
        if not records.num_rows:
            return
        fresh = decide(load, VALIDATIONS, places)
        compared = fresh[load.parents.rows["action"][fresh, VALIDATIONS] == COMPARE]
        if len(compared):
            self._read_stored(compared)
        delete_children(load, "delete_validations", VALIDATIONS, fresh)
        writes, compares = settle(load, AI_VALIDATIONS, VALIDATIONS, records, places, origin)
        keys = row_digests(content_columns(records).select(list(_KEY))).tolist()
        contents = row_digests(records.select(list(_SCORES))).tolist()
        new = np.zeros(len(keys), dtype=np.bool_)
        other = np.zeros(len(keys), dtype=np.bool_)
        for at in np.flatnonzero(writes | compares):
            known = self._known.get(keys[at])
            if known is None:
                new[at] = True
                self._known[keys[at]] = contents[at]
            else:
                other[at] = known != contents[at]
        extend(load, VALIDATIONS, places[new & compares])
        origin.count(AI_VALIDATIONS, "accepted", int(new.sum()))
        origin.count(AI_VALIDATIONS, "duplicates", int(((writes | compares) & ~new & ~other).sum()))
        if other.any():
            origin.refuse(AI_VALIDATIONS, select(records, other), "conflict", "primary_score")
        if new.any():
            self._write(select(records, new), places[new])

    def _read_stored(self, places: npt.NDArray[np.int64]) -> None:
        rows = self._load.connection.execute(
            sqlfiles.query("ingestion/stored_validations"), stored_keys(self._load, places)
        ).fetchall()
        if not rows:
            return
        columns = list(zip(*rows, strict=True))
        ids = pa.array([value.bytes for value in columns[0]], type=pa.binary(16))
        keys = pa.RecordBatch.from_arrays([ids, *map(pa.array, columns[1:4])], names=list(_KEY))
        scores = pa.RecordBatch.from_arrays(
            [pa.array(column, type=pa.float64()) for column in columns[4:6]], names=list(_SCORES)
        )
        known = zip(row_digests(keys).tolist(), row_digests(scores).tolist(), strict=True)
        self._known.update(known)

    def _write(self, records: pa.RecordBatch, places: npt.NDArray[np.int64]) -> None:
        load = self._load
        names = ("dimension", "primary_model", "secondary_model")
        columns = {}
        for name in names:
            column = records.column(name)
            is_encoded = pa.types.is_dictionary(column.type)
            columns[name] = column.dictionary_decode() if is_encoded else column
        load.copy(
            "internal",
            "ai_validations",
            [
                pa.RecordBatch.from_pydict(
                    {
                        "created_at": time_array(load.parents.rows["created"][places]),
                        "response_hash": fixed_array(load.parents.ids[places]),
                        "batch_id": pa.array(np.full(len(places), load.batch_id)),
                        "primary_score": records.column("primary_score"),
                        "secondary_score": records.column("secondary_score"),
                        "primary_confidence": records.column("primary_confidence"),
                        "secondary_confidence": records.column("secondary_confidence"),
                        "validated_at": records.column("validated_at"),
                        **columns,
                    }
                )
            ],
        )
