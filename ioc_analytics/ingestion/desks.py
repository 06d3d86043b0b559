"""The desks of one batch together: each kind of record goes to its own, and closing takes all.

For: ``ingestion.ingest`` and ``ingestion.retry``. Not for: judging (each desk does).
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ioc_analytics.database.copying import uuid_array_literal
from ioc_analytics.ingestion.answers import AnswerDesk
from ioc_analytics.ingestion.assessments import AssessmentDesk
from ioc_analytics.ingestion.load import Load, Origin
from ioc_analytics.ingestion.quarantine import RejudgedOrigin, rebuild_records
from ioc_analytics.ingestion.registry import flag_careless, remove_old_rows, write_registry
from ioc_analytics.ingestion.responses import ResponseDesk
from ioc_analytics.ingestion.scores import ScoreDesk
from ioc_analytics.ingestion.validations import ValidationDesk
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.records.kinds import (
    AI_VALIDATIONS,
    ASSESSMENTS,
    KINDS,
    QUESTION_RESPONSES,
    RESPONSES,
    SCORES,
)

_ID_BYTES: Final = 16


class Desk(Protocol):
    """Takes records of one kind."""

    def take(self, records: pa.RecordBatch, origin: Origin) -> None:
        """Judge records and write, or hold, those that are new or newer."""


class Desks:
    """All desks of a batch."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._answers = AnswerDesk(load)
        self._responses = ResponseDesk(load)
        self._scores = ScoreDesk(load)
        self._by_kind: dict[str, Desk] = {
            ASSESSMENTS: AssessmentDesk(load),
            RESPONSES: self._responses,
            QUESTION_RESPONSES: self._answers,
            SCORES: self._scores,
            AI_VALIDATIONS: ValidationDesk(load),
        }

    def take(self, kind: str, records: pa.RecordBatch, origin: Origin) -> None:
        """Hand records to the desk of their kind."""
        if records.num_rows:
            self._by_kind[kind].take(records, origin)

    def take_waiting(self, rows: Sequence[Any]) -> int:
        """Judge records of the quarantine again.

        Args:
            rows: Number, kind, line and pseudonymised record of each.

        Returns:
            How many were settled: stored, or found stored.
        """
        settled = 0
        for kind in KINDS:
            entries = [(row[0], row[2], row[3]) for row in rows if row[1] == kind]
            if not entries:
                continue
            origin = RejudgedOrigin([entry[0] for entry in entries])
            self.take(kind, rebuild_records(kind, entries), origin)
            self._load.execute(
                "settle_quarantine", {"ids": origin.settled, "batch_id": self._load.batch_id}
            )
            settled += len(origin.settled)
        return settled

    def close(self) -> int:
        """Settle orphans whose parent came, write what was held, and return how many were settled."""
        load = self._load
        known = np.frombuffer(b"".join(load.assessment_places), dtype=np.uint8)
        settled = self._take_orphans(known.reshape(-1, _ID_BYTES))
        # Responses that just left the quarantine may have children waiting there.
        settled += self._take_orphans(load.parents.ids)
        flag_careless(load, self._answers)
        remove_old_rows(load)
        self._scores.score_answers(self._answers.matrices)
        self._answers.write_vectors()
        self._responses.write()
        write_registry(load)
        return settled

    def _take_orphans(self, parents: npt.NDArray[np.uint8]) -> int:
        if not len(parents):
            return 0
        rows = self._load.connection.execute(
            sqlfiles.query("ingestion/waiting_orphans"), {"parents": uuid_array_literal(parents)}
        ).fetchall()
        return self.take_waiting(rows)
