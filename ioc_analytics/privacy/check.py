"""The door for frames that claim to be anonymised: what identifies somebody is refused.

For: ``ingest_data``. Not for: operational records (``privacy.pipeline``), or what that pipeline
returned, which needs no second look.

A message names column, row and kind of value, never the value: messages end up in logs.
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.kernel.errors import InvalidInput, PrivacyRefusal
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.privacy.anonymize import Anonymized
from ioc_analytics.privacy.columns import Array, one_array
from ioc_analytics.privacy.detector import first_finding
from ioc_analytics.privacy.frames import as_table
from ioc_analytics.privacy.ids import read_ids
from ioc_analytics.privacy.labels import is_clean_label
from ioc_analytics.privacy.values import describe_value, storable_value
from ioc_analytics.records.contracts import CONTRACTS, presentable_names
from ioc_analytics.records.judge import judge
from ioc_analytics.records.kinds import (
    AI_VALIDATIONS,
    ASSESSMENTS,
    KINDS,
    QUESTION_RESPONSES,
    RESPONSES,
    SCORES,
)
from ioc_analytics.records.tables import ANONYMISED_SCHEMAS, ID_COLUMNS, ID_TYPE, LINE_SCHEMA
from ioc_analytics.records.vocabularies import (
    AGE_BANDS,
    ASSESSMENT_STATUSES,
    DEVICES,
    GENDERS,
    INDUSTRIES,
    REGIONS,
    RESPONSE_STATUSES,
    SIZE_BANDS,
    TRAITS,
    UNKNOWN,
)

_CLOSED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        ASSESSMENTS: {
            "industry_category": INDUSTRIES,
            "org_size_category": SIZE_BANDS,
            "region": REGIONS,
            "status": ASSESSMENT_STATUSES,
        },
        RESPONSES: {
            "region": REGIONS,
            "age_band": AGE_BANDS,
            "gender": GENDERS,
            "device_type": DEVICES,
            "status": RESPONSE_STATUSES,
        },
        QUESTION_RESPONSES: {},
        SCORES: {"dimension": TRAITS},
        AI_VALIDATIONS: {"dimension": TRAITS},
    }
)
_LABELS: Final = frozenset(
    {
        "assessment_type",
        "instrument",
        "question_id",
        "scoring_version",
        "primary_model",
        "secondary_model",
    }
)
_FILLED: Final = frozenset({"assessment_type", "instrument"})
"""Open columns that say ``unknown`` rather than null."""

_DERIVED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        ASSESSMENTS: frozenset({"batch_id"}),
        RESPONSES: frozenset({"org_hash", "is_careless", "batch_id"}),
        QUESTION_RESPONSES: frozenset({"created_at", "batch_id"}),
        SCORES: frozenset({"assessment_hash", "norm_version", "created_at", "batch_id"}),
        AI_VALIDATIONS: frozenset({"created_at", "batch_id"}),
    }
)
"""Columns of the stored tables that ingestion fills itself; where they come along, they go."""

_OPERATIONAL_NAMES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        ASSESSMENTS: {"id": "assessment_id", "org_hash": "organization_id"},
        RESPONSES: {
            "id": "response_id",
            "assessment_hash": "assessment_id",
            "created_at": "started_at",
        },
        QUESTION_RESPONSES: {"response_hash": "response_id"},
        SCORES: {"response_hash": "response_id"},
        AI_VALIDATIONS: {"response_hash": "response_id"},
    }
)
"""The contract's name of a column, where anonymization renames it."""


def refuse_identifiable(kind: str, frame: Any) -> Anonymized:
    """Return an anonymised frame in the platform's schema, or refuse it.

    Ids must be UUIDs (16 bytes, ``uuid.UUID`` or their 36 characters) and are kept as they are.
    Categories must be words of their closed lists, open texts must be labels, and nothing anywhere
    may look like an e-mail address, a phone number or an IP address. Columns that ingestion fills
    itself (``batch_id``, ``is_careless`` and the like) are left out; absent categories are
    ``unknown``. Numbers and times are judged by the contract, row by row.

    Args:
        kind: One of ``kinds.KINDS``.
        frame: DataFrame, Arrow table or list of dicts in the columns of
            ``records.tables.ANONYMISED_SCHEMAS``.

    Returns:
        The table with its line columns (rows count from 1), and what was repaired.

    Raises:
        PrivacyRefusal: The frame holds an operational column, an id that is no UUID, a word outside
            a closed list, or an identifiable value.
        InvalidInput: The kind or a column is unknown, or a required column is missing.
    """
    if kind not in ANONYMISED_SCHEMAS:
        raise InvalidInput(f"unknown kind of record {kind!r}{did_you_mean(kind, KINDS)}")
    table = as_table(frame, kind)
    _check_names(kind, table)
    kept = [name for name in ANONYMISED_SCHEMAS[kind].names if name in table.column_names]
    columns = {name: one_array(table[name]) for name in kept}
    for name in ID_COLUMNS[kind]:
        if name in columns:
            columns[name] = read_ids(columns[name], f"{kind}, column {name}")
    for name in set(kept) - set(ID_COLUMNS[kind]):
        columns[name] = _checked(kind, name, columns[name])
    return _judged(kind, columns, table.num_rows)


def _check_names(kind: str, table: pa.Table) -> None:
    known = {*ANONYMISED_SCHEMAS[kind].names, *_DERIVED[kind], *LINE_SCHEMA.names}
    foreign = [name for name in table.column_names if name not in known]
    identified = [name for name in foreign if name in _operational_columns()]
    if identified:
        raise PrivacyRefusal(
            f"{kind}: column {', '.join(identified)} belongs to operational records, and these "
            "must be anonymised first: AnonymizationPipeline(settings).process_data(...) does that"
        )
    for name in table.column_names:
        if name not in ID_COLUMNS[kind]:
            _refuse_finding(kind, name, one_array(table[name]))
    if foreign:
        is_shown = foreign[0] in presentable_names(table.column_names, known)
        place = table.column_names.index(foreign[0]) + 1
        shown = repr(foreign[0]) if is_shown else f"number {place}"
        raise InvalidInput(
            f"{kind}: unknown column {shown}{did_you_mean(foreign[0], known)}; "
            f"anonymised {kind} have {', '.join(ANONYMISED_SCHEMAS[kind].names)}"
        )
    operational = _OPERATIONAL_NAMES[kind]
    for name in ANONYMISED_SCHEMAS[kind].names:
        is_required = operational.get(name, name) in CONTRACTS[kind].required
        if is_required and name not in table.column_names:
            raise InvalidInput(f"{kind}: column {name!r} is missing; anonymised {kind} need it")


def _operational_columns() -> frozenset[str]:
    named = {name for contract in CONTRACTS.values() for name in contract.names}
    stored = {name for schema in ANONYMISED_SCHEMAS.values() for name in schema.names}
    return frozenset(named - stored)


def _checked(kind: str, name: str, column: Array) -> Array:
    """Return a column that is no id, its categories and labels checked and filled."""
    words = _CLOSED[kind].get(name)
    if words is None and name not in _LABELS:
        return column
    texts = _texts(kind, name, column)
    if words is not None:
        _refuse_unless(kind, name, texts, pc.is_in(texts, pa.array(words)), "outside the list")
    else:
        _refuse_unless(kind, name, texts, is_clean_label(texts), "that is no plain label")
    return pc.fill_null(texts, UNKNOWN) if _is_filled(kind, name) else texts


def _texts(kind: str, name: str, column: Array) -> Array:
    try:
        texts: Array = column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InvalidInput(f"{kind}: column {name!r} holds {column.type}, text is needed") from None
    return texts


def _refuse_unless(kind: str, name: str, texts: Array, is_good: Array, why: str) -> None:
    is_bad = pc.and_(pc.is_valid(texts), pc.invert(pc.fill_null(is_good, False)))
    row = pc.index(is_bad, True).as_py()
    if row >= 0:
        found = describe_value(texts[row].as_py())
        raise PrivacyRefusal(
            f"{kind}, column {name}, row {row + 1}: found {found} {why}. Only categories of "
            "sql/reference and plain labels may be stored; anonymise the records first"
        )


def _refuse_finding(kind: str, name: str, column: Array) -> None:
    values_type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(values_type) or pa.types.is_large_string(values_type)):
        return
    found = first_finding(column)
    if found:
        row, finding = found
        raise PrivacyRefusal(
            f"{kind}, column {name}, row {row + 1}: found {finding}. Nothing was stored; "
            "anonymise the records first (AnonymizationPipeline)"
        )


def _judged(kind: str, columns: Mapping[str, Array], n_rows: int) -> Anonymized:
    """Judge numbers, times and missing keys by the operational contract; set the rest beside."""
    operational = _OPERATIONAL_NAMES[kind]
    anonymised = {source: name for name, source in operational.items()}
    raw = {}
    for name, column in columns.items():
        source = operational.get(name, name)
        if source in CONTRACTS[kind].names:
            raw[source] = _presence(column) if name in ID_COLUMNS[kind] else column
    judged = judge(kind, pa.table(raw), 1, now=utc_now())
    arrays = {}
    for field in ANONYMISED_SCHEMAS[kind]:
        if field.type in (ID_TYPE, pa.string()):
            arrays[field.name] = columns.get(field.name, _absent(kind, field, n_rows))
        else:
            arrays[field.name] = judged.table[operational.get(field.name, field.name)]
    lines = judged.table.select(LINE_SCHEMA.names).to_pydict()
    values = map(storable_value, lines["_column"], lines["_value"])
    lines |= {
        "_column": [column and anonymised.get(column, column) for column in lines["_column"]],
        "_value": list(values),
    }
    repairs = {f"{anonymised.get(c, c)}:{rule}": n for (c, rule), n in judged.repairs.items()}
    table = pa.table({**arrays, **lines})
    schema = pa.schema([*ANONYMISED_SCHEMAS[kind], *LINE_SCHEMA])
    return Anonymized(table.cast(schema), Counter(repairs))


def _presence(ids: Array) -> Array:
    return pc.if_else(pc.is_valid(ids), pa.scalar("present"), pa.scalar(None, pa.string()))


def _absent(kind: str, field: pa.Field, n_rows: int) -> Array:
    if _is_filled(kind, field.name):
        return pa.repeat(pa.scalar(UNKNOWN), n_rows)
    return pa.nulls(n_rows, field.type)


def _is_filled(kind: str, name: str) -> bool:
    """Return whether a column says ``unknown`` rather than null."""
    return name in _FILLED or UNKNOWN in _CLOSED[kind].get(name, ())
