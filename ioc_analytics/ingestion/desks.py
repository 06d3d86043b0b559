"""The desks of one batch together: each kind of record goes to its own, and closing takes all.

For: ``ingestion.ingest`` and ``ingestion.settling``. Not for: judging (each desk does).
"""

from typing import Protocol

import pyarrow as pa

from ioc_analytics.ingestion.answers import AnswerDesk
from ioc_analytics.ingestion.assessments import AssessmentDesk
from ioc_analytics.ingestion.load import Load, Origin, select
from ioc_analytics.ingestion.registry import flag_careless, remove_old_rows, write_registry
from ioc_analytics.ingestion.responses import ResponseDesk
from ioc_analytics.ingestion.scores import ScoreDesk
from ioc_analytics.ingestion.validations import ValidationDesk
from ioc_analytics.records.kinds import (
    AI_VALIDATIONS,
    ASSESSMENTS,
    QUESTION_RESPONSES,
    RESPONSES,
    SCORES,
)


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
        """Hand records to the desk of their kind; those that came refused go straight back."""
        refused = records.column("_rule").is_valid().to_numpy(zero_copy_only=False)
        if refused.any():
            # The rule stands in the line columns of each.
            origin.refuse(kind, select(records, refused), "refused")
            records = select(records, ~refused)
        if records.num_rows:
            self._by_kind[kind].take(records, origin)

    def close(self) -> None:
        """Write what was held until every record was judged."""
        flag_careless(self._load, self._answers)
        remove_old_rows(self._load)
        self._scores.score_answers(self._answers.matrices)
        self._answers.write()
        self._responses.write()
        write_registry(self._load)
