"""A wide survey export, one row per respondent, turned into assessments, responses and answers.

For: ``files.batches``, when a mapping is given. Not for: reading the mapping
(``files.mappings``) or single cells (``files.cells``).

Every line becomes exactly one response, accepted or refused. A bad answer is refused alone; a
missing one makes no record.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.files.cells import (
    Answers,
    durations,
    field_values,
    read_answers,
    read_item_times,
    rule_of,
    time_texts,
)
from ioc_analytics.files.chunks import Chunk, judged_chunk
from ioc_analytics.files.mapping_records import Field, ItemSource, StatusRule
from ioc_analytics.files.mapping_records import Mapping as SurveyMapping
from ioc_analytics.files.readers import SourceFile
from ioc_analytics.files.tables import RawChunk
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.contracts import CONTRACTS, describe_columns, presentable_names
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.records.kinds import ASSESSMENTS, LINE_COLUMNS, QUESTION_RESPONSES, RESPONSES
from ioc_analytics.records.organizations import fill_organizations
from ioc_analytics.records.times import TIME_TYPE

_PLAIN_FIELDS: Final = ("response_id", "respondent_id", "email", "user_agent")
"""Fields whose values hardly repeat."""


class WideFile:
    """One wide export on its way through a mapping.

    Raises:
        InvalidInput: A column that the mapping reads is missing, or stands there twice.
    """

    def __init__(
        self, source: SourceFile, mapping: SurveyMapping, id_prefix: str, now: datetime
    ) -> None:
        check_columns(source, mapping)
        self._source = source
        self._mapping = mapping
        self._id_prefix = id_prefix
        self._now = now
        self._seen_organizations: set[str] = set()
        self._dropped = frozenset(
            column
            for column in source.columns
            if column not in mapping.columns and not mapping.is_ignored(column)
        )

    def chunks(self, batch_size: int) -> Iterator[Chunk]:
        """Yield assessments, responses and answers, at most ``batch_size`` lines at a time."""
        mapping = self._mapping
        repeating = {
            str(field.column)
            for name, field in mapping.respondent.items()
            if name not in _PLAIN_FIELDS
        }
        repeating.update(mapping.items.columns.values() if mapping.items else ())
        repeating.update(str(field.column) for field in mapping.assessment.fields.values())
        plain = mapping.columns - repeating
        for raw in self._source.chunks(mapping.columns, plain, batch_size):
            for chunk in self._convert(raw):
                yield replace(chunk, share=raw.share)

    def _convert(self, raw: RawChunk) -> Iterator[Chunk]:
        mapping = self._mapping
        assessment_ids, new_assessments = self._assessments(raw)
        if new_assessments is not None:
            yield new_assessments
        answers = None
        if mapping.items and mapping.instrument:
            answers = read_answers(mapping.items, mapping.instrument, raw.table)
        responses = self._responses(raw, assessment_ids, answers)
        yield responses
        if answers is not None and mapping.items and mapping.instrument:
            accepted = responses.table.slice(0, raw.table.num_rows)
            yield self._answers(raw, accepted, answers, mapping.items, mapping.instrument)

    def _assessments(self, raw: RawChunk) -> tuple[pa.Array, Chunk | None]:
        """Return the assessment of each row, and a chunk of those not seen before."""
        assessment = self._mapping.assessment
        organizations = field_values(assessment.fields["organization_id"], raw.table)
        is_one = assessment.fields["organization_id"].column is None
        places = self._first_places(organizations)
        ids = (
            pa.repeat(pa.scalar(assessment.id), len(organizations))
            if is_one
            else pc.binary_join_element_wise(assessment.id, organizations, "/")
        )
        if not len(places):
            return ids, None
        rows = raw.table.take(places)
        table = pa.table(
            {
                "assessment_id": ids.take(places),
                **{name: field_values(f, rows) for name, f in assessment.fields.items()},
                **self._constants(len(places)),
            }
        )
        lines = raw.lines.take(places)
        chunk = self._judged(ASSESSMENTS, RawChunk(table, lines), frozenset())
        filled = fill_organizations(chunk.table, self._mapping.organizations)
        return ids, replace(chunk, table=filled)

    def _first_places(self, organizations: pa.Array) -> pa.Array:
        places = []
        for place, name in enumerate(organizations.to_pylist()):
            if name is not None and name not in self._seen_organizations:
                self._seen_organizations.add(name)
                places.append(place)
        return pa.array(places, pa.int64())

    def _constants(self, n_rows: int) -> Mapping[str, pa.Array]:
        mapping = self._mapping
        n_items = len(mapping.items.columns) if mapping.items else None
        values = {
            "assessment_type": pa.scalar(mapping.assessment.type, pa.string()),
            "instrument": pa.scalar(
                mapping.instrument.name if mapping.instrument else None, pa.string()
            ),
            "status": pa.scalar(mapping.assessment.status),
            "question_count": pa.scalar(n_items, pa.int32()),
            "created_at": pa.scalar(mapping.assessment.created_at, TIME_TYPE),
        }
        return {name: pa.repeat(value, n_rows) for name, value in values.items()}

    def _responses(self, raw: RawChunk, assessment_ids: pa.Array, answers: Answers | None) -> Chunk:
        mapping, table = self._mapping, raw.table
        columns = {name: field_values(f, table) for name, f in mapping.respondent.items()}
        if "response_id" in columns:
            # Exports number their rows from 1, or by cases of their own: the same number in another
            # survey is another response.
            columns["response_id"] = pc.binary_join_element_wise(
                mapping.assessment.id, columns["response_id"], "/"
            )
        else:
            columns["response_id"] = self._line_ids(raw.lines)
        columns["assessment_id"] = assessment_ids
        columns["started_at"] = time_texts(mapping.started, table)
        if mapping.completed:
            columns["completed_at"] = time_texts(mapping.completed, table)
        if mapping.duration:
            columns["time_spent_seconds"] = durations(mapping.duration, table)
        if answers is not None:
            share = answers.is_answer.mean(axis=1) * 100
            columns["completion_percentage"] = pa.array(share, pa.float64())
        if isinstance(mapping.status, Field):
            columns["status"] = field_values(mapping.status, table)
        elif mapping.status is StatusRule.ITEMS and answers is not None and mapping.instrument:
            # A question skipped is no sheet given up: what can be scored was completed.
            enough = mapping.instrument.minimum_answered_share * answers.is_answer.shape[1]
            is_complete = answers.is_answer.sum(axis=1) >= max(enough - 1e-9, 1)
            columns["status"] = self._status(pa.array(is_complete))
        judged = RawChunk(pa.table(columns), raw.lines, raw.faults)
        return self._derive(self._judged(RESPONSES, judged, self._dropped))

    def _status(self, is_complete: pa.Array | pa.ChunkedArray) -> pa.Array:
        return pc.if_else(is_complete, "completed", self._mapping.incomplete_status)

    def _derive(self, chunk: Chunk) -> Chunk:
        """Add what follows from times that the judge let pass."""
        mapping, table = self._mapping, chunk.table
        end = table["completed_at"]
        if mapping.status is StatusRule.END:
            status = self._status(end.is_valid())
            table = table.set_column(table.column_names.index("status"), "status", status)
        if mapping.completed and not mapping.duration:
            spent = pc.subtract(end.cast(pa.int64()), table["started_at"].cast(pa.int64()))
            seconds = pc.divide(spent.cast(pa.float64()), 1e6)
            place = table.column_names.index("time_spent_seconds")
            table = table.set_column(place, "time_spent_seconds", seconds)
        return replace(chunk, table=table)

    def _line_ids(self, lines: pa.Array) -> pa.Array:
        return pc.binary_join_element_wise(self._id_prefix, lines.cast(pa.string()), ":")

    def _judged(self, kind: str, raw: RawChunk, dropped: frozenset[str]) -> Chunk:
        return judged_chunk(kind, raw, self._source.name, dropped, self._now)

    def _answers(
        self,
        raw: RawChunk,
        responses: pa.Table,
        answers: Answers,
        items: ItemSource,
        instrument: Instrument,
    ) -> Chunk:
        is_accepted = np.asarray(responses["_rule"].combine_chunks().is_null())
        chosen = (answers.is_answer | answers.is_bad) & is_accepted[:, np.newaxis]
        rows, places = (axis.astype(np.int32) for axis in np.nonzero(chosen))
        values = answers.values[rows, places]
        is_bad = answers.is_bad[rows, places]
        repairs: Counter[str] = Counter()
        times = pa.nulls(len(rows), pa.int32())
        if items.time_columns:
            matrix, unusable = read_item_times(items, raw.table)
            spent = matrix[rows, places]
            times = pa.array(np.nan_to_num(spent), pa.int32(), mask=np.isnan(spent), safe=False)
            n_repaired = int((unusable[rows, places] & ~is_bad).sum())
            repairs.update({"time_spent_ms:out_of_range": n_repaired} if n_repaired else {})
        lines = raw.lines.to_numpy(zero_copy_only=False)[rows]
        table = {
            "response_id": pa.DictionaryArray.from_arrays(
                pa.array(rows), _plain(responses["response_id"]), safe=False
            ),
            "question_id": pa.DictionaryArray.from_arrays(
                pa.array(places), pa.array(list(items.columns)), safe=False
            ),
            "value": pa.array(np.where(is_bad, 0, values), pa.int16(), mask=is_bad),
            "time_spent_ms": times,
            "answered_at": pa.nulls(len(rows), TIME_TYPE),
            "_line": pa.array(lines),
            **self._verdicts(raw.table, rows, places, values, is_bad, items),
        }
        names = [*CONTRACTS[QUESTION_RESPONSES].names, *LINE_COLUMNS]
        ordered = pa.Table.from_arrays([table[name] for name in names], names=names)
        return Chunk(QUESTION_RESPONSES, ordered, self._source.name, repairs, frozenset())

    def _verdicts(
        self,
        table: pa.Table,
        rows: npt.NDArray[np.int32],
        places: npt.NDArray[np.int32],
        values: npt.NDArray[np.int32],
        is_bad: npt.NDArray[np.bool_],
        items: ItemSource,
    ) -> Mapping[str, pa.Array]:
        if not is_bad.any():
            return {name: pa.nulls(len(rows), pa.string()) for name in LINE_COLUMNS[1:]}
        columns = list(items.columns.values())
        rules, sources, texts = (np.full(len(rows), None, dtype=object) for _ in range(3))
        for cell in np.flatnonzero(is_bad):
            column = columns[places[cell]]
            rules[cell], sources[cell] = rule_of(int(values[cell])), column
            texts[cell] = str(table[column][int(rows[cell])])[:200]
        verdicts = (rules, sources, texts)
        return {
            name: pa.array(part, pa.string())
            for name, part in zip(LINE_COLUMNS[1:], verdicts, strict=True)
        }


def check_columns(source: SourceFile, mapping: SurveyMapping) -> None:
    """Check that a file has every column that a mapping reads, and each of them once.

    Raises:
        InvalidInput: It has not; the message names the most similar column.
    """
    where = f"{source.name}: mapping {mapping.name}"
    for column in sorted(mapping.columns):
        if column in source.repeated:
            raise InvalidInput(f"{where} reads column {column!r}, which the header has twice")
        if column not in source.columns:
            presentable = presentable_names(source.columns, mapping.columns)
            spare = [name for name in presentable if name not in mapping.columns]
            found = describe_columns(source.columns, mapping.columns)
            raise InvalidInput(
                f"{where} reads column {column!r}{did_you_mean(column, spare)}, "
                f"which the file does not have. Found: {found}"
            )


def _plain(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
