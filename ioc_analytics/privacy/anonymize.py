"""Judged operational records become records that may be stored: pseudonyms, bands, categories.

For: ``ingestion`` (files) and ``privacy.pipeline`` (frames). Not for: judging the input
(``records.judge``) or refusing frames that claim to be anonymised (``privacy.check``).

Every output column is built here from named input columns. Nothing is passed through because it was
there, so a new operational column stays out until somebody gives it a rule.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.privacy.bands import age_bands, as_read, read_gender, size_bands
from ioc_analytics.privacy.columns import Array, Read, Reading, closed, one_array, read_column
from ioc_analytics.privacy.devices import read_device, read_user_agent
from ioc_analytics.privacy.industries import read_industry
from ioc_analytics.privacy.labels import read_labels
from ioc_analytics.privacy.pseudonyms import Pseudonymizer, canonical_email
from ioc_analytics.privacy.regions import read_country
from ioc_analytics.privacy.values import storable_value
from ioc_analytics.records.kinds import (
    AI_VALIDATIONS,
    ASSESSMENTS,
    QUESTION_RESPONSES,
    RESPONSES,
    SCORES,
)
from ioc_analytics.records.tables import ANONYMISED_SCHEMAS, ID_TYPE, LINE_SCHEMA
from ioc_analytics.records.vocabularies import (
    ASSESSMENT_STATUSES,
    RESPONSE_STATUSES,
    TRAITS,
    UNKNOWN,
)

NOT_IN_VOCABULARY: Final = "not_in_vocabulary"
OUT_OF_RANGE: Final = "out_of_range"
UNKNOWN_ITEM: Final = "unknown_item"


@dataclass(frozen=True, slots=True)
class Anonymized:
    """Records of one kind after anonymization."""

    table: pa.Table
    """The columns of ``records.tables.ANONYMISED_SCHEMAS`` and the line columns, in the order of
    the rows that came in. An id column is dictionary-encoded where its identifier was."""

    repairs: Counter[str]
    """How many values of accepted lines became unknown, by ``column:rule``."""


def anonymize(kind: str, table: pa.Table, pseudonymizer: Pseudonymizer) -> Anonymized:
    """Anonymise a judged table; as many rows come out as go in.

    Identifiers become pseudonyms, country, industry, size, age, gender and device become
    categories (``unknown`` where they are absent or not understood), open texts stay only in the
    form of a label, names, addresses and free text are left out. ``created_at`` of a response is
    its ``started_at``. A refused line keeps its offending value only where that identifies nobody.

    Args:
        kind: One of ``kinds.KINDS``.
        table: What ``records.judge`` returned: the contract's columns and the line columns.
        pseudonymizer: Holds the key.

    Raises:
        InvalidInput: The kind is unknown.
    """
    if kind not in _BUILDERS:
        raise InvalidInput(f"unknown kind of record {kind!r}{did_you_mean(kind, _BUILDERS)}")
    work = _Work(table, pseudonymizer)
    columns = dict(_BUILDERS[kind](work))
    columns |= work.line_columns()
    fields = [*ANONYMISED_SCHEMAS[kind], *LINE_SCHEMA]
    arrays = [_as_type(columns[field.name], field.type) for field in fields]
    return Anonymized(
        pa.Table.from_arrays(arrays, names=[field.name for field in fields]), work.repairs
    )


class _Work:
    """One table on its way through: what is read from it, and what was repaired or refused."""

    def __init__(self, table: pa.Table, pseudonymizer: Pseudonymizer) -> None:
        self._table = table
        self._pseudonymizer = pseudonymizer
        self.repairs: Counter[str] = Counter()
        self._lines = {name: self.column(name) for name in LINE_SCHEMA.names}
        self._is_accepted = pc.is_null(self._lines["_rule"])

    def column(self, name: str) -> Array:
        """Return an input column as one array."""
        return one_array(self._table[name])

    def pseudonyms(self, kind: str, name: str) -> Array:
        """Return the pseudonyms of an identifier column."""
        return self._pseudonymizer.many(kind, self.column(name))

    def respondents(self) -> Array:
        """Return the respondents' pseudonyms: from their id, else their e-mail, else null."""
        by_id = self.pseudonyms("respondent", "respondent_id")
        email = self.column("email")
        if not by_id.null_count or email.null_count == len(email):
            return by_id
        folded = read_column(email, lambda text: Reading(canonical_email(text)), absent=None)
        by_email = self._pseudonymizer.many("respondent", folded.values)
        return pc.coalesce(by_id.cast(ID_TYPE), by_email)

    def category(self, name: str, read: Callable[[str], Reading]) -> Array:
        """Return the category of each value; what is not understood counts as a repair."""
        return self.repaired(name, read_column(self.column(name), read), NOT_IN_VOCABULARY)

    def label(self, name: str, **options: Any) -> Array:
        """Return an open text as far as it is a label; anything else counts as a repair."""
        return self.repaired(name, read_labels(self.column(name), **options), NOT_IN_VOCABULARY)

    def demanded(self, name: str, read: Read, rule: str) -> Array:
        """Return a key column; an accepted line whose value is not usable is refused."""
        is_fault = pc.and_(self._is_accepted, read.not_understood)
        if pc.any(is_fault).as_py():
            given = {"_rule": rule, "_column": name}
            for line_column, text in given.items():
                filled = pc.if_else(is_fault, pa.scalar(text), self._lines[line_column])
                self._lines[line_column] = filled
            value = self.column(name).cast(pa.string())
            self._lines["_value"] = pc.if_else(is_fault, value, self._lines["_value"])
            self._is_accepted = pc.is_null(self._lines["_rule"])
        return read.values

    def repaired(self, name: str, read: Read, rule: str) -> Array:
        """Return a column that was read, its repairs counted."""
        n_repairs = pc.sum(pc.and_(self._is_accepted, read.not_understood)).as_py()
        if n_repairs:
            self.repairs[f"{name}:{rule}"] += n_repairs
        return read.values

    def line_columns(self) -> Mapping[str, Array]:
        """Return the line columns, with offending values only where they identify nobody."""
        values = self._lines["_value"]
        if values.null_count < len(values):
            kept = [
                storable_value(column, value)
                for column, value in zip(
                    self._lines["_column"].to_pylist(), values.to_pylist(), strict=True
                )
            ]
            return {**self._lines, "_value": pa.array(kept, pa.string())}
        return self._lines


def _assessments(work: _Work) -> Mapping[str, Array]:
    size = as_read(size_bands(work.column("employee_count")))
    return {
        "id": work.pseudonyms("assessment", "assessment_id"),
        "org_hash": work.pseudonyms("organization", "organization_id"),
        "industry_category": work.category("industry", read_industry),
        "org_size_category": work.repaired("employee_count", size, OUT_OF_RANGE),
        "region": work.category("country", read_country),
        "assessment_type": work.label("assessment_type", is_lowered=True),
        "instrument": work.label("instrument", is_lowered=True),
        "status": work.category("status", closed(ASSESSMENT_STATUSES)),
        "question_count": work.column("question_count"),
        "created_at": work.column("created_at"),
        "published_at": work.column("published_at"),
        "updated_at": work.column("updated_at"),
    }


def _responses(work: _Work) -> Mapping[str, Array]:
    started_at = work.column("started_at")
    ages = as_read(age_bands(work.column("age"), work.column("birth_year"), pc.year(started_at)))
    is_from_age = pc.is_valid(work.column("age"))
    for name, is_source in (("age", is_from_age), ("birth_year", pc.invert(is_from_age))):
        misread = pc.and_(is_source, ages.not_understood)
        work.repaired(name, replace(ages, not_understood=misread), OUT_OF_RANGE)
    return {
        "id": work.pseudonyms("response", "response_id"),
        "assessment_hash": work.pseudonyms("assessment", "assessment_id"),
        "respondent_hash": work.respondents(),
        "region": work.category("country", read_country),
        "age_band": ages.values,
        "gender": work.category("gender", read_gender),
        "device_type": _devices(work),
        "status": work.category("status", closed(RESPONSE_STATUSES)),
        "completion_percentage": work.column("completion_percentage"),
        "time_spent_seconds": work.column("time_spent_seconds"),
        "created_at": started_at,
        "completed_at": work.column("completed_at"),
        "updated_at": work.column("updated_at"),
    }


def _devices(work: _Work) -> Array:
    """Return the device stated, or else the one that the browser's user agent tells."""
    stated = work.category("device_type", read_device)
    agents = work.column("user_agent")
    if agents.null_count == len(agents):
        return stated
    read = read_column(agents, read_user_agent)
    is_open = pc.equal(stated, UNKNOWN)
    asked = replace(read, not_understood=pc.and_(is_open, read.not_understood))
    return pc.if_else(is_open, work.repaired("user_agent", asked, NOT_IN_VOCABULARY), stated)


def _question_responses(work: _Work) -> Mapping[str, Array]:
    codes = read_labels(work.column("question_id"), absent=None, otherwise=None)
    return {
        "response_hash": work.pseudonyms("response", "response_id"),
        "question_id": work.demanded("question_id", codes, UNKNOWN_ITEM),
        "value": work.column("value"),
        "time_spent_ms": work.column("time_spent_ms"),
    }


def _dimensions(work: _Work) -> Array:
    read = read_column(work.column("dimension"), closed(TRAITS, otherwise=None), absent=None)
    return work.demanded("dimension", read, NOT_IN_VOCABULARY)


def _scores(work: _Work) -> Mapping[str, Array]:
    return {
        "response_hash": work.pseudonyms("response", "response_id"),
        "dimension": _dimensions(work),
        "score": work.column("score"),
        "raw_score": work.column("raw_score"),
        "percentile": work.column("percentile"),
        "scoring_version": work.label("scoring_version", absent=None),
    }


def _ai_validations(work: _Work) -> Mapping[str, Array]:
    return {
        "response_hash": work.pseudonyms("response", "response_id"),
        "dimension": _dimensions(work),
        "primary_model": work.label("primary_model", has_path_marks=True),
        "primary_score": work.column("primary_score"),
        "secondary_model": work.label("secondary_model", has_path_marks=True),
        "secondary_score": work.column("secondary_score"),
        "primary_confidence": work.column("primary_confidence"),
        "secondary_confidence": work.column("secondary_confidence"),
        "validated_at": work.column("validated_at"),
    }


_BUILDERS: Final[Mapping[str, Callable[[_Work], Mapping[str, Array]]]] = MappingProxyType(
    {
        ASSESSMENTS: _assessments,
        RESPONSES: _responses,
        QUESTION_RESPONSES: _question_responses,
        SCORES: _scores,
        AI_VALIDATIONS: _ai_validations,
    }
)


def _as_type(column: Array, wanted: pa.DataType) -> Array:
    if column.type == wanted or (wanted == ID_TYPE and pa.types.is_dictionary(column.type)):
        return column
    return column.cast(wanted)
