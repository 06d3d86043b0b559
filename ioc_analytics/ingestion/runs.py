"""Answers on their way out: held until they are many, then written in the order of their key.

For: ``ingestion.answers``. Not for: judging them.

Answers in random order split pages all over their index; sorted ones fill it from left to right,
which takes the server half the time (5 million rows: 3.7 instead of 7 s). A batch of a hundred
thousand responses makes a few runs, a larger one more: memory does not grow with the batch.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.ingestion.digests import fixed_array
from ioc_analytics.ingestion.load import Load, time_array

_RUN_ANSWERS: Final = 2_500_000
"""Answers of a run; 11 bytes each, and 20 more while they are sorted."""

_BLOCK: Final = 131_072
"""Answers that are encoded at once."""

_NO_TIME: Final = np.iinfo(np.int32).min

_ANSWER: Final = np.dtype(
    [
        ("place", "i4"),  # of its response among the parents
        ("time", "i4"),  # milliseconds spent, _NO_TIME: not known
        ("question", "i2"),  # number in the catalogue
        ("value", "i1"),
    ]
)


class AnswerRun:
    """Accepted answers that were not written yet."""

    def __init__(self, load: Load) -> None:
        self._load = load
        # One table for all runs: memory that is given back and asked for again is scattered. What
        # a small batch leaves unused the system never hands out.
        self._answers: npt.NDArray[np.void] = np.empty(_RUN_ANSWERS, dtype=_ANSWER)
        self._count = 0

    def add(
        self,
        places: npt.NDArray[np.int64],
        questions: npt.NDArray[np.int16],
        values: npt.NDArray[np.int16],
        times: pa.Array,
    ) -> None:
        """Hold answers; all that are held are written once they are a run.

        Args:
            places: Places of their responses among the parents.
            questions: Numbers of the questions in the catalogue.
            values: The answers, on the scale of their instrument.
            times: Milliseconds spent on each, int32, NULL where not known.
        """
        if self._load.is_check:
            return
        milliseconds = pc.fill_null(times, _NO_TIME).to_numpy(zero_copy_only=False)
        first = 0
        while first < len(places):
            last = min(len(places), first + _RUN_ANSWERS - self._count)
            held = self._answers[self._count : self._count + last - first]
            held["place"], held["time"] = places[first:last], milliseconds[first:last]
            held["question"], held["value"] = questions[first:last], values[first:last]
            self._count += len(held)
            first = last
            if self._count == _RUN_ANSWERS:
                self.write()

    def write(self) -> None:
        """Write all that is held, by the start times of the responses."""
        if self._count:
            self._load.copy("analytics", "anonymized_question_responses", self._sorted())
            self._count = 0

    def _sorted(self) -> Iterator[pa.RecordBatch]:
        load = self._load
        created = load.parents.rows["created"]
        answers = self._answers[: self._count]
        order = np.argsort(_ranks(created, answers["place"])[answers["place"]], kind="stable")
        for first in range(0, len(order), _BLOCK):
            rows = answers[order[first : first + _BLOCK]]
            places, times = rows["place"], rows["time"]
            yield pa.RecordBatch.from_pydict(
                {
                    "response_hash": fixed_array(load.parents.ids[places]),
                    "created_at": time_array(created[places]),
                    "batch_id": pa.array(np.full(len(rows), load.batch_id)),
                    "time_spent_ms": pa.array(times, mask=times == _NO_TIME),
                    "question_id": pa.array(rows["question"]),
                    "value": pa.array(rows["value"].astype(np.int16)),
                }
            )


def _ranks(created: npt.NDArray[np.int64], places: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the rank by start time of the responses among ``places``; others have none."""
    is_wanted = np.zeros(len(created), dtype=np.bool_)
    is_wanted[places] = True
    wanted = np.flatnonzero(is_wanted)
    ranks = np.empty(len(created), dtype=np.int32)
    ranks[wanted[np.argsort(created[wanted], kind="stable")]] = np.arange(len(wanted))
    return ranks
