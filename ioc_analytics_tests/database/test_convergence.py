"""Any order, splitting and repetition of what is delivered ends in the same content and states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc_analytics import AnalyticsSystem
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics_tests.fixtures.batches import (
    answers,
    assessment,
    content_rows,
    response,
    scores,
    validation,
)

KINDS = ("question_responses", "scores", "ai_validations")

_TABLES = """
    analytics.anonymized_assessments, analytics.anonymized_assessment_responses,
    analytics.anonymized_question_responses, analytics.anonymized_assessment_scores,
    internal.ai_validations, internal.answer_vectors, internal.response_registry,
    internal.quarantine, internal.replacements, internal.batches, internal.touched_days,
    internal.trait_states, internal.item_states, internal.organization_states, internal.time_states
"""
_STATES = ("trait_states", "item_states", "organization_states", "time_states")


@dataclass(frozen=True)
class Unit:
    """What is never torn apart: a version of a record, with some of the children that go along."""

    subject: str
    version: int
    records: Mapping[str, Sequence[Mapping[str, Any]]] = field(hash=False)


def _assessment(version: int) -> Unit:
    fields = {
        1: {"country": "DE", "industry": "51"},
        2: {"country": "FI", "industry": "62", "updated_at": "2024-02-01T00:00:00Z"},
    }[version]
    return Unit("a", version, {"assessments": [assessment(**fields)]})


def _response(name: str, version: int, kinds: Sequence[str], parts: int) -> list[Unit]:
    started = "2024-03-05T10:00:00Z" if version == 1 else "2024-04-06T10:00:00Z"
    row = response(
        name,
        started_at=started,
        updated_at=f"2024-0{4 + version}-01T00:00:00Z",
        time_spent_seconds=600 if version == 1 else 20,
        gender="female" if version == 1 else "male",
        country="" if name == "r" else "DE",
    )
    given_answers = answers(name, version)
    if version == 1:
        given_answers = [{**row, "value": 3} for row in given_answers]
    children: dict[str, list[dict[str, Any]]] = {
        "question_responses": given_answers,
        "scores": scores(name, 40.0 + version),
        "ai_validations": [
            validation(name, dimension=trait, primary_score=50.0 + version)
            for trait in ("openness", "neuroticism")
        ],
    }
    return [
        Unit(
            name,
            version,
            {"responses": [row], **{kind: children[kind][part::parts] for kind in kinds}},
        )
        for part in range(parts)
    ]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Unit], list[list[Unit]]]:
    """Return the units in a plain order, and batches of them in another one, with repeats."""
    plain = [_assessment(1), _assessment(2)]
    for name in ("r", "s"):
        for version in (1, 2):
            kinds = draw(st.lists(st.sampled_from(KINDS), unique=True))
            plain += _response(name, version, kinds, draw(st.integers(1, 2)))
    order = draw(st.permutations(plain)) + draw(st.lists(st.sampled_from(plain), max_size=3))
    batches: list[list[Unit]] = [[]]
    for unit in order:
        # One batch says one thing about a record: children name no version themselves.
        clashes = any(u.subject == unit.subject and u.version != unit.version for u in batches[-1])
        if clashes or draw(st.booleans()):
            batches.append([])
        batches[-1].append(unit)
    return plain, [batch for batch in batches if batch]


def _load(analytics: AnalyticsSystem, batches: Sequence[Sequence[Unit]]) -> None:
    pipeline = AnonymizationPipeline(analytics.config)
    for batch in batches:
        records: dict[str, list[Mapping[str, Any]]] = {}
        for unit in batch:
            for kind, rows in unit.records.items():
                records.setdefault(kind, []).extend(rows)
        analytics.ingest_data(pipeline.process_data(records))


def _forget_everything(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("owner") as connection:
        connection.execute(f"TRUNCATE {_TABLES}")


def _states(analytics: AnalyticsSystem) -> list[str]:
    with analytics.database.connection("ingest") as connection:
        return [
            str(row)
            for name in _STATES
            for row in connection.execute(
                f"SELECT to_jsonb(s) FROM internal.{name} AS s ORDER BY 1"
            )
        ]


def _check(analytics: AnalyticsSystem, world: tuple[list[Unit], list[list[Unit]]]) -> None:
    plain, batches = world
    _forget_everything(analytics)
    _load(analytics, [[unit] for unit in plain])
    content = content_rows(analytics)
    analytics.rebuild()
    states = _states(analytics)
    _forget_everything(analytics)
    half = len(batches) // 2
    _load(analytics, batches[:half])
    analytics.refresh()
    _load(analytics, batches[half:])
    assert content_rows(analytics) == content
    assert analytics.list_quarantine() == []
    analytics.refresh()
    assert _states(analytics) == states


_ALLOWED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=8, suppress_health_check=_ALLOWED)
@given(world=worlds())
def test_any_delivery_converges(
    analytics: AnalyticsSystem, world: tuple[list[Unit], list[list[Unit]]]
) -> None:
    _check(analytics, world)


@pytest.mark.nightly
@settings(max_examples=150, suppress_health_check=_ALLOWED)
@given(world=worlds())
def test_any_delivery_converges_often(
    analytics: AnalyticsSystem, world: tuple[list[Unit], list[list[Unit]]]
) -> None:
    _check(analytics, world)
