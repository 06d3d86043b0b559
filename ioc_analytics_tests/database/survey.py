"""A small generated survey, and what PostgreSQL itself says about its raw rows.

For: tests that compare answers with raw rows. Not for: realistic data (``synthetic``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from ioc_analytics import AnalyticsSystem
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.insight.ocean import OceanAnalysis
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.records.vocabularies import TRAITS

START = datetime(2024, 1, 1, tzinfo=UTC)
PERCENTAGES = (5, 10, 25, 50, 75, 90, 95)

ASSESSMENTS = (
    # id, organization, industry, employees, country, type, instrument
    ("a1", "acme", "51", 120, "DE", "hiring", "ipip50"),
    ("a2", "acme", "51", 120, "DE", "team", "tipi"),
    ("a3", "bolt", "52", 20, "US", "hiring", "ipip50"),
    ("a4", "core", "62", 5000, "FR", "hiring", "ipip50"),
    ("a5", "dune", None, None, None, "hiring", "tipi"),
)


def assessment_records() -> list[dict[str, Any]]:
    """Return the assessments as operational records."""
    return [
        {
            "assessment_id": key,
            "organization_id": organization,
            "industry": industry,
            "employee_count": employees,
            "country": country,
            "assessment_type": kind,
            "instrument": instrument,
            "created_at": "2023-12-01",
        }
        for key, organization, industry, employees, country, kind, instrument in ASSESSMENTS
    ]


def make_survey(
    config: Any,
    people: int,
    *,
    seed: int = 1,
    days: int = 91,
    start: datetime = START,
    name: str = "r",
) -> Mapping[str, Any]:
    """Return anonymised frames of responses spread over some days, with answers."""
    generator = np.random.default_rng(seed)
    instruments = builtin_instruments()
    responses: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    validations: list[dict[str, Any]] = []
    for number in range(people):
        assessment = ASSESSMENTS[int(generator.integers(len(ASSESSMENTS)))]
        instrument = instruments[assessment[-1]]
        minutes = int(generator.integers(days * 24 * 60))
        key = f"{name}{number}"
        responses.append(
            {
                "response_id": key,
                "assessment_id": assessment[0],
                "country": ["DE", "US", "BR", None][int(generator.integers(4))],
                "age": [None, 17, 22, 31, 47, 70][int(generator.integers(6))],
                "gender": ["female", "male", "other", None][int(generator.integers(4))],
                "device_type": ["desktop", "mobile", None][int(generator.integers(3))],
                "status": ["completed", "abandoned"][int(generator.integers(10) == 0)],
                "time_spent_seconds": float(generator.integers(60, 900)),
                "started_at": (start + timedelta(minutes=minutes)).isoformat(),
            }
        )
        if number % 3 == 0:
            # Differences of 0, 5, 10 and 15 points: what agrees is decided at 10.
            validations += [
                {
                    "response_id": key,
                    "dimension": trait,
                    "primary_model": "rater-a",
                    "primary_score": 50.0,
                    "secondary_model": "rater-b",
                    "secondary_score": 50.0 + (number + 5 * at) % 20,
                }
                for at, trait in enumerate(TRAITS[: number % 4])
            ]
        level = generator.normal(size=len(TRAITS))
        is_straight = generator.integers(12) == 0
        low, high = instrument.scale_minimum, instrument.scale_maximum
        for item in instrument.items:
            if generator.integers(60) == 0:
                continue  # some traits end up without a score
            drawn = (low + high) / 2 + level[TRAITS.index(item.trait)] * (1 - 2 * item.is_reversed)
            value = low if is_straight else round(drawn + generator.normal())
            answers.append(
                {
                    "response_id": key,
                    "question_id": item.code,
                    "value": int(np.clip(value, low, high)),
                }
            )
    return AnonymizationPipeline(config).process_data(
        {
            "assessments": assessment_records(),
            "responses": responses,
            "question_responses": answers,
            **({"ai_validations": validations} if validations else {}),
        }
    )


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the analysis, and the same in SQL (``r`` responses, ``a`` assessments)."""

    filters: Sequence[Mapping[str, Any]] = ()
    time_range: Mapping[str, str] | None = None
    condition: str = "true"

    def __str__(self) -> str:
        return f"{self.condition} {self.time_range or ''}"


def ask_rows(analytics: AnalyticsSystem, question: Question) -> dict[str, Any]:
    """Return count, mean, SD and percentiles of each trait, and correlations, from raw rows."""
    wanted = question.time_range or {}
    scope = f"""
        FROM anonymized_assessment_scores AS s
        JOIN anonymized_assessment_responses AS r
            ON r.created_at = s.created_at AND r.id = s.response_hash
        JOIN anonymized_assessments AS a ON a.id = r.assessment_hash
        WHERE ({question.condition})
            AND r.created_at >= '{wanted.get("start", "-infinity")}'
            AND r.created_at < '{wanted.get("end", "infinity")}'"""
    shares = ", ".join(str(p / 100) for p in PERCENTAGES)
    with analytics.database.connection("analyst") as connection:
        traits = connection.execute(
            f"""SELECT s.dimension::text, count(*), avg(s.score), stddev_samp(s.score),
                min(s.score), max(s.score),
                percentile_cont(ARRAY[{shares}]) WITHIN GROUP (ORDER BY s.score)
            {scope} GROUP BY s.dimension"""
        ).fetchall()
        people = connection.execute(f"SELECT count(DISTINCT s.response_hash) {scope}").fetchone()
        pairs = connection.execute(
            f"""WITH chosen AS (SELECT s.response_hash, s.dimension, s.score {scope})
            SELECT x.dimension::text, y.dimension::text, corr(x.score, y.score), count(*)
            FROM chosen AS x JOIN chosen AS y USING (response_hash)
            WHERE x.dimension < y.dimension GROUP BY 1, 2"""
        ).fetchall()
    return {
        "people": people[0] if people else 0,
        "traits": {name: tuple(row) for name, *row in traits},
        "correlations": {(x, y): (r, n) for x, y, r, n in pairs},
    }


def demand_equal(answer: OceanAnalysis, truth: dict[str, Any]) -> None:
    """Demand that an answer says what the raw rows say."""
    assert answer.sample_size == truth["people"]
    for trait in answer.traits:
        if trait.name not in truth["traits"]:
            assert trait.sample_size == 0
            continue
        n, mean, spread, low, high, percentiles = truth["traits"][trait.name]
        assert trait.sample_size == n
        assert (trait.minimum, trait.maximum) == (low, high)
        assert [trait.percentiles[p] for p in PERCENTAGES] == percentiles  # every bit
        assert trait.average is not None
        assert abs(trait.average - mean) <= 1e-9
        if spread:
            assert trait.std_dev is not None
            assert abs(trait.std_dev - spread) <= 1e-9
    for (x, y), (r, n) in truth["correlations"].items():
        found = answer.correlations[x][y]
        assert found.sample_size == n
        if r is not None and found.r is not None:
            assert abs(found.r - r) <= 1e-7
