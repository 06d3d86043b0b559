"""Answers on their way out: held until they are many, then written in the order of their key.

For: ``ingestion.answers``. Not for: judging them.

Answers in random order split pages all over their index; sorted ones fill it from left to right,
which takes the server half the time (5 million rows: 3.7 instead of 7 s). A batch of a hundred
thousand responses makes two runs, a larger one more: memory does not grow with the batch.
"""

from collections.abc import Iterator
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ioc_analytics.ingestion.digests import fixed_array
from ioc_analytics.ingestion.load import Load, time_array

Kind = TypeVar("Kind", bound=np.generic)

_RUN_ANSWERS: Final = 2_500_000
"""Answers of a run; about 12 bytes each, and twice as much again while they are sorted."""

_BLOCK: Final = 131_072
"""Answers that are encoded at once."""


class AnswerRun:
    """Accepted answers that were not written yet."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._places: list[npt.NDArray[np.int32]] = []
        self._questions: list[npt.NDArray[np.int16]] = []
        self._values: list[npt.NDArray[np.int8]] = []
        self._times: list[pa.Array] = []
        self._number = 0

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
        self._places.append(places.astype(np.int32))
        self._questions.append(questions)
        self._values.append(values.astype(np.int8))
        self._times.append(times)
        self._number += len(places)
        if self._number >= _RUN_ANSWERS:
            self.write()

    def write(self) -> None:
        """Write all that is held, by the start times of the responses."""
        if self._number:
            self._load.copy("analytics", "anonymized_question_responses", self._sorted())

    def _sorted(self) -> Iterator[pa.RecordBatch]:
        load = self._load
        places, questions = _joined(self._places), _joined(self._questions)
        values, times = _joined(self._values), pa.concat_arrays(self._times)
        self._times.clear()
        self._number = 0
        parents = load.parents.rows
        order = np.argsort(_ranks(parents["created"], places)[places], kind="stable")
        for first in range(0, len(order), _BLOCK):
            rows = order[first : first + _BLOCK]
            chosen = places[rows]
            yield pa.RecordBatch.from_pydict(
                {
                    "response_hash": fixed_array(load.parents.ids[chosen]),
                    "created_at": time_array(parents["created"][chosen]),
                    "batch_id": pa.array(np.full(len(rows), load.batch_id)),
                    "time_spent_ms": times.take(pa.array(rows)),
                    "question_id": pa.array(questions[rows]),
                    "value": pa.array(values[rows].astype(np.int16)),
                }
            )


def _joined(parts: list[npt.NDArray[Kind]]) -> npt.NDArray[Kind]:
    """Return the parts as one array, and let go of them."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _ranks(created: npt.NDArray[np.int64], places: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the rank by start time of the responses among ``places``; others have none."""
    is_wanted = np.zeros(len(created), dtype=np.bool_)
    is_wanted[places] = True
    wanted = np.flatnonzero(is_wanted)
    ranks = np.empty(len(created), dtype=np.int32)
    ranks[wanted[np.argsort(created[wanted], kind="stable")]] = np.arange(len(wanted))
    return ranks
