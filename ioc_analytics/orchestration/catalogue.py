"""What the schema says about tables and views: comments, columns, where each column comes from.

For: descriptions and metadata of assets. Not for: asking a database; the definitions load without
one, so everything here is read from ``sql/schema.sql``, which a test keeps true.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from ioc_analytics.kernel import sqlfiles

ASSESSMENTS: Final = "anonymized_assessments"
RESPONSES: Final = "anonymized_assessment_responses"
SCORES: Final = "anonymized_assessment_scores"
VALIDATIONS: Final = "ai_validations"
"""Scores of AI raters, in the schema ``internal``: no asset, but where some figures come from."""

_COMMENT: Final = re.compile(
    r"COMMENT ON (?:TABLE|MATERIALIZED VIEW) analytics\.(\w+) IS '((?:[^']|'')*)';"
)
_COLUMN_COMMENT: Final = re.compile(
    r"COMMENT ON COLUMN analytics\.(\w+)\.(\w+) IS '((?:[^']|'')*)';"
)
_TABLE: Final = re.compile(r"CREATE TABLE (?:analytics|internal)\.(\w+) \(\n(.*?)\n\)", re.DOTALL)
_COLUMN: Final = re.compile(r"^ {4}(?!CONSTRAINT)(\w+) (.+?)(?: DEFAULT .+?)?( NOT NULL)?,?$", re.M)
_VIEW: Final = re.compile(
    r"CREATE MATERIALIZED VIEW analytics\.(\w+) AS\n SELECT (.*?)\n   FROM analytics\.(\w+) ",
    re.DOTALL,
)
_WORD: Final = re.compile(r"\b[a-z_][a-z0-9_]*\b")
_TEXT: Final = re.compile(r"'[^']*'")
_TYPES: Final = (
    (re.compile(r"NULL::([a-z ]+)"), None),
    (re.compile(r"::date\b"), "date"),
    (re.compile(r"^date_trunc"), "timestamp with time zone"),
    (re.compile(r"^count\b"), "bigint"),
)
"""Type of an expression of a view by its look; otherwise that of its column."""

_ORIGINS: Final[Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]]] = {
    "daily_assessment_metrics": {
        "metric_date": ((RESPONSES, "created_at"), (ASSESSMENTS, "created_at")),
        "industry_category": ((ASSESSMENTS, "industry_category"),),
        "org_size_category": ((ASSESSMENTS, "org_size_category"),),
        "region": ((RESPONSES, "region"), (ASSESSMENTS, "region")),
        "assessments_created": ((ASSESSMENTS, "id"),),
        "responses_started": ((RESPONSES, "id"),),
        "responses_completed": ((RESPONSES, "status"),),
        "responses_abandoned": ((RESPONSES, "status"),),
        "completion_rate": ((RESPONSES, "status"),),
        "avg_time_spent_seconds": ((RESPONSES, "time_spent_seconds"),),
        "median_time_spent_seconds": ((RESPONSES, "time_spent_seconds"),),
        "organizations": ((RESPONSES, "org_hash"),),
        "respondents": ((RESPONSES, "respondent_hash"),),
        "device_breakdown": ((RESPONSES, "device_type"),),
        "is_mature": ((RESPONSES, "created_at"),),
        "withheld_reason": ((RESPONSES, "respondent_hash"),),
    },
    "ocean_trait_distributions": {
        "period_start": ((RESPONSES, "created_at"),),
        "period_end": ((RESPONSES, "created_at"),),
        "grain": ((RESPONSES, "created_at"),),
        "instrument": ((SCORES, "scoring_version"),),
        "industry_category": ((ASSESSMENTS, "industry_category"),),
        "org_size_category": ((ASSESSMENTS, "org_size_category"),),
        "region": ((RESPONSES, "region"),),
        "age_band": ((RESPONSES, "age_band"),),
        "gender": ((RESPONSES, "gender"),),
        "device_type": ((RESPONSES, "device_type"),),
        "assessment_type": ((ASSESSMENTS, "assessment_type"),),
        "dimension": ((SCORES, "dimension"),),
        "withheld_reason": ((SCORES, "response_hash"),),
        "*": ((SCORES, "score"),),
    },
    "benchmarking_data": {
        "period_start": ((RESPONSES, "created_at"),),
        "industry_category": ((ASSESSMENTS, "industry_category"),),
        "org_size_category": ((ASSESSMENTS, "org_size_category"),),
        "organizations": ((RESPONSES, "org_hash"),),
        "peer_level": ((RESPONSES, "org_hash"),),
        "largest_share": ((RESPONSES, "org_hash"),),
        "sample_size": ((RESPONSES, "id"),),
        "withheld_reason": ((RESPONSES, "org_hash"),),
        "*": (
            (RESPONSES, "status"),
            (RESPONSES, "time_spent_seconds"),
            (RESPONSES, "is_careless"),
            (SCORES, "score"),
        ),
    },
    "dual_ai_validation_metrics": {
        "metric_date": ((VALIDATIONS, "created_at"),),
        "dimension": ((VALIDATIONS, "dimension"),),
        "primary_model": ((VALIDATIONS, "primary_model"),),
        "secondary_model": ((VALIDATIONS, "secondary_model"),),
        "withheld_reason": ((VALIDATIONS, "response_hash"),),
        "*": ((VALIDATIONS, "primary_score"), (VALIDATIONS, "secondary_score")),
    },
    "predictive_analytics_results": {
        **dict.fromkeys(
            ("id", "model_name", "model_version", "prediction_target", "issued_at"), ()
        ),
        **dict.fromkeys(("horizon", "scored_at", "data_version", "interval_level"), ()),
        "segment": ((ASSESSMENTS, "industry_category"), (RESPONSES, "org_hash")),
        "target_period": ((RESPONSES, "created_at"),),
        "*": ((RESPONSES, "created_at"), (RESPONSES, "status"), (SCORES, "score")),
    },
}
"""Released columns and what each is made from; ``*``: every column not named."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the schema has it."""

    name: str
    type: str
    comment: str | None
    is_required: bool


def description(table: str) -> str:
    """Return what a table or view is, from its comment."""
    return _comments()[table]


def columns(table: str) -> tuple[Column, ...]:
    """Return the columns of a table or view, in their order."""
    return _tables()[table] if table in _tables() else _view_columns(table)


def statement(view: str) -> str:
    """Return the SQL of a materialized view, as it is kept."""
    return sqlfiles.read_text(f"views/{view}.sql").strip()


def origins(table: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return, per column of a view or released table, the columns it is made from.

    Empty for a table whose content comes from outside, or from tables that have no asset.
    """
    if table in _views():
        source, expressions = _views()[table]
        known = {column.name for column in columns(source)}
        return {
            name: tuple((source, word) for word in _words(text) if word in known)
            for name, text in expressions.items()
        }
    declared = _ORIGINS.get(table, {})
    if not declared:
        return {}
    rest = declared.get("*", ())
    return {column.name: declared.get(column.name, rest) for column in columns(table)}


@cache
def _schema() -> str:
    return sqlfiles.read_text("schema.sql")


@cache
def _comments() -> Mapping[str, str]:
    return {name: text.replace("''", "'") for name, text in _COMMENT.findall(_schema())}


@cache
def _tables() -> Mapping[str, tuple[Column, ...]]:
    comments = {
        (table, column): text.replace("''", "'")
        for table, column, text in _COLUMN_COMMENT.findall(_schema())
    }
    return {
        table: tuple(
            Column(
                name, kind.removeprefix("analytics."), comments.get((table, name)), bool(required)
            )
            for name, kind, required in _COLUMN.findall(body)
        )
        for table, body in _TABLE.findall(_schema())
    }


@cache
def _views() -> Mapping[str, tuple[str, dict[str, str]]]:
    return {
        view: (source, dict(map(_named, _split(selected))))
        for view, selected, source in _VIEW.findall(_schema())
    }


def _view_columns(view: str) -> tuple[Column, ...]:
    source, expressions = _views()[view]
    known = {column.name: column for column in columns(source)}
    found = []
    for name, text in expressions.items():
        of = next((known[word] for word in _words(text) if word in known), None)
        comment = of.comment if of is not None and text == of.name else None
        found.append(Column(name, _type_of(text, of), comment, False))
    return tuple(found)


def _type_of(text: str, of: Column | None) -> str:
    for pattern, kind in _TYPES:
        match = pattern.search(text)
        if match:
            return kind or match.group(1).strip()
    return of.type if of is not None else "text"


def _named(expression: str) -> tuple[str, str]:
    text, _, name = expression.rpartition(" AS ")
    return (name, text.strip()) if text else (expression, expression)


def _split(selected: str) -> Iterator[str]:
    """Return the expressions of a select list: cut at the commas outside of parentheses."""
    depth, begin = 0, 0
    for at, character in enumerate(selected):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield selected[begin:at].strip()
            begin = at + 1
    yield selected[begin:].strip()


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(_TEXT.sub("", text))))
