"""The Arrow schemas of anonymised records: what may leave the privacy room, and nothing else.

For: privacy (output), ingestion (input of COPY). Not for: operational columns
(``records.contracts``) or the tables in the database (``sql/migrations``).

A category is a plain string column. An id column may also come dictionary-encoded over 16-byte
values: answers name the same response fifty times, and the dictionary spares the copies.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from ioc_analytics.records.kinds import (
    AI_VALIDATIONS,
    ASSESSMENTS,
    QUESTION_RESPONSES,
    RESPONSES,
    SCORES,
)

ID_TYPE: Final = pa.binary(16)
"""A pseudonym: the 16 bytes of a UUID."""

TIME_TYPE: Final = pa.timestamp("us", tz="UTC")

LINE_SCHEMA: Final = pa.schema(
    [
        ("_line", pa.int64()),
        ("_rule", pa.string()),
        ("_column", pa.string()),
        ("_value", pa.string()),
    ]
)
"""The line columns (``kinds.LINE_COLUMNS``) that follow the columns of every kind."""

ANONYMISED_SCHEMAS: Final[Mapping[str, pa.Schema]] = MappingProxyType(
    {
        ASSESSMENTS: pa.schema(
            [
                ("id", ID_TYPE),
                ("org_hash", ID_TYPE),
                ("industry_category", pa.string()),
                ("org_size_category", pa.string()),
                ("region", pa.string()),
                ("assessment_type", pa.string()),
                ("instrument", pa.string()),
                ("status", pa.string()),
                ("question_count", pa.int32()),
                ("created_at", TIME_TYPE),
                ("published_at", TIME_TYPE),
                ("updated_at", TIME_TYPE),
            ]
        ),
        RESPONSES: pa.schema(
            [
                ("id", ID_TYPE),
                ("assessment_hash", ID_TYPE),
                ("respondent_hash", ID_TYPE),
                ("region", pa.string()),
                ("age_band", pa.string()),
                ("gender", pa.string()),
                ("device_type", pa.string()),
                ("status", pa.string()),
                ("completion_percentage", pa.float64()),
                ("time_spent_seconds", pa.float64()),
                ("created_at", TIME_TYPE),
                ("completed_at", TIME_TYPE),
                ("updated_at", TIME_TYPE),
            ]
        ),
        QUESTION_RESPONSES: pa.schema(
            [
                ("response_hash", ID_TYPE),
                ("question_id", pa.string()),
                ("value", pa.int16()),
                ("time_spent_ms", pa.int32()),
            ]
        ),
        SCORES: pa.schema(
            [
                ("response_hash", ID_TYPE),
                ("dimension", pa.string()),
                ("score", pa.float64()),
                ("raw_score", pa.float64()),
                ("percentile", pa.float64()),
                ("scoring_version", pa.string()),
            ]
        ),
        AI_VALIDATIONS: pa.schema(
            [
                ("response_hash", ID_TYPE),
                ("dimension", pa.string()),
                ("primary_model", pa.string()),
                ("primary_score", pa.float64()),
                ("secondary_model", pa.string()),
                ("secondary_score", pa.float64()),
                ("primary_confidence", pa.float64()),
                ("secondary_confidence", pa.float64()),
                ("validated_at", TIME_TYPE),
            ]
        ),
    }
)
"""The columns of each kind after anonymization, without the line columns."""

ID_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        kind: tuple(field.name for field in schema if field.type == ID_TYPE)
        for kind, schema in ANONYMISED_SCHEMAS.items()
    }
)
"""The columns of each kind that hold pseudonyms."""
