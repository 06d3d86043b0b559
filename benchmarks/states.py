"""Freshness: touched days, late responses, and building the states of a year.

Scores of generated responses over a year, first alone, then with answers of drawn people: traits
need scores only, reliability reads the answers of touched days, and a rebuild counts them.
"""

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.measuring import Row, median_seconds, seconds, show, throwaway_platform
from benchmarks.ocean import draw_answers
from ioc_analytics import AnalyticsSystem
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.states.rebuild import rebuild_month, touched_months
from ioc_analytics.synthetic.files import generate_files

_VIEW = """
CREATE MATERIALIZED VIEW analytics.bench_percentiles AS
SELECT date_trunc('month', r.created_at, 'UTC') AS month, a.industry_category,
    a.org_size_category, r.region, s.dimension,
    percentile_cont(ARRAY[0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]) WITHIN GROUP (ORDER BY s.score)
FROM analytics.anonymized_assessment_scores AS s
JOIN analytics.anonymized_assessment_responses AS r
    ON r.created_at = s.created_at AND r.id = s.response_hash
JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
GROUP BY 1, 2, 3, 4, 5"""
_KEY = (
    "CREATE UNIQUE INDEX ON analytics.bench_percentiles "
    "(month, industry_category, org_size_category, region, dimension)"
)
_PEOPLE = 10_000
_ANSWERS = """
INSERT INTO internal.answer_vectors (created_at, response_hash, batch_id, instrument, answers)
SELECT r.created_at, r.id, r.batch_id, 'ipip50', d.answers
FROM unnest(%s::bytea []) WITH ORDINALITY AS d (answers, number)
JOIN analytics.anonymized_assessment_responses AS r
    ON d.number = 1 + abs(hashtext(r.id::text)::bigint) %% %s
WHERE r.status = 'completed'"""
_TOUCH_ALL = """
INSERT INTO internal.touched_days (day, batch_id)
SELECT DISTINCT (created_at AT TIME ZONE 'UTC')::date, 1
FROM analytics.anonymized_assessment_responses"""


def run(size: int | None, rounds: int) -> None:
    """Measure at one million responses, or at ``size``."""
    responses = size or 1_000_000
    with TemporaryDirectory() as folder, throwaway_platform() as system:
        batch = Path(folder, "batch")
        generate_files(batch, responses=responses, seed=1, with_scores=True, with_ai=False)
        (batch / "question_responses.parquet").unlink()
        system.ingest_files(batch)
        _prepare(system)
        scores = _measure(system, rounds)
        _fill_answers(system)
        answers = _measure(system, rounds)
    show(f"States of {responses:,} responses over a year, scores alone", scores)
    show(f"States of {responses:,} responses over a year, with 50 answers each", answers)


def _measure(system: AnalyticsSystem, rounds: int) -> list[Row]:
    """Measure with every day touched, then what is left when the states are there."""
    everything = median_seconds(system.get_ocean_analysis, rounds)
    build = seconds(lambda: rebuild(system))
    clean = median_seconds(system.get_ocean_analysis, 15, warm_up=8)
    _touch(system)
    touched = median_seconds(system.get_ocean_analysis, 15, warm_up=8)
    rebuild(system)
    late, view, ratio = _late_response(system, rounds)
    return [
        ("building them", f"{build:.1f} s", "< 30 s at 1 M"),
        ("answer, clean", f"{clean * 1e3:.1f} ms", "< 25 ms"),
        ("answer, one touched day", f"{touched * 1e3:.1f} ms", "< 40 ms at 1 M"),
        ("answer, every day touched", f"{everything:.2f} s", "< 5 s at 1 M"),
        (
            "rebuilding after one late response",
            f"{late * 1e3:.0f} ms, materialized view {view:.1f} s, 1/{ratio:.0f}",
            "1/50",
        ),
    ]


def _prepare(system: AnalyticsSystem) -> None:
    with system.database.connection("owner") as connection:
        connection.execute(_VIEW)
        connection.execute(_KEY)


def _fill_answers(system: AnalyticsSystem) -> None:
    """Give all completed responses the answers of drawn people, and touch every day."""
    instrument = builtin_instruments()["ipip50"]
    drawn = [one.tobytes() for one in draw_answers(np.random.default_rng(1), instrument, _PEOPLE)]
    with system.database.connection("owner") as connection:
        connection.execute(_ANSWERS, (drawn, _PEOPLE))
        connection.execute(_TOUCH_ALL)


def rebuild(system: AnalyticsSystem) -> None:
    """Bring all states up to date."""
    with system.database.connection("ingest") as connection:
        months = touched_months(connection)
    for month in months:
        with system.database.connection("ingest") as connection:
            rebuild_month(connection, month)


def _touch(system: AnalyticsSystem) -> None:
    with system.database.connection("owner") as connection:
        connection.execute(
            "INSERT INTO internal.touched_days (day, batch_id) VALUES ('2025-06-11', 1)"
        )


def _late_response(system: AnalyticsSystem, rounds: int) -> tuple[float, float, float]:
    def refresh() -> None:
        with system.database.connection("owner") as connection:
            connection.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY analytics.bench_percentiles")

    pairs = []
    for number in range(rounds):
        _add_late_response(system, number)
        pairs.append((seconds(lambda: rebuild(system)), seconds(refresh)))
    late, view = (statistics.median(side) for side in zip(*pairs, strict=True))
    return late, view, statistics.median(theirs / mine for mine, theirs in pairs)


def _add_late_response(system: AnalyticsSystem, number: int) -> None:
    """Copy one response of June, with all it has, to a moment of its own, and mark the day."""
    with system.database.connection("owner") as connection:
        connection.execute(
            """
            WITH one AS (
                SELECT r.* FROM analytics.anonymized_assessment_responses AS r
                JOIN analytics.anonymized_assessment_scores AS s
                    ON s.created_at = r.created_at AND s.response_hash = r.id
                WHERE r.created_at >= '2025-06-11' AND r.created_at < '2025-06-12'
                ORDER BY r.created_at OFFSET %(n)s * 5 LIMIT 1
            ),
            fresh AS (SELECT gen_random_uuid() AS id),
            response AS (
                INSERT INTO analytics.anonymized_assessment_responses (
                    id, assessment_hash, org_hash, region, age_band, gender, device_type, status,
                    time_spent_seconds, created_at, is_careless, batch_id
                )
                SELECT fresh.id, assessment_hash, org_hash, region, age_band, gender, device_type,
                    status, time_spent_seconds, created_at, is_careless, batch_id
                FROM one, fresh
            ),
            answers AS (
                INSERT INTO internal.answer_vectors (
                    created_at, response_hash, batch_id, instrument, answers
                )
                SELECT v.created_at, fresh.id, v.batch_id, v.instrument, v.answers
                FROM fresh, one JOIN internal.answer_vectors AS v
                    ON v.created_at = one.created_at AND v.response_hash = one.id
            ),
            scores AS (
                INSERT INTO analytics.anonymized_assessment_scores (
                    assessment_hash, response_hash, created_at, score, batch_id, dimension,
                    scoring_version
                )
                SELECT s.assessment_hash, fresh.id, s.created_at, s.score, s.batch_id, s.dimension,
                    s.scoring_version
                FROM fresh, one JOIN analytics.anonymized_assessment_scores AS s
                    ON s.created_at = one.created_at AND s.response_hash = one.id
            )
            INSERT INTO internal.touched_days (day, batch_id) VALUES ('2025-06-11', 1)
            """,
            {"n": number},
        )
