"""Data quality is measured: what breaks a check is found by it, and lowers the score."""

import json

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.records.quality import QualityResult
from ioc_analytics_tests.database.survey import make_survey

RESPONSES = "analytics.anonymized_assessment_responses"


def evaluate(analytics: AnalyticsSystem) -> dict[str, QualityResult]:
    return {one.name: one for one in analytics.evaluate_quality().results}


def test_a_sound_platform_passes_and_the_score_is_shown(analytics: AnalyticsSystem) -> None:
    assert analytics.get_system_status().database.data_quality_score is None
    analytics.ingest_data(make_survey(analytics.config, 60, days=20))
    analytics.refresh()
    made = analytics.evaluate_quality()
    assert [one.summary for one in made.results if not one.passed] == []
    assert made.score == 100
    assert json.loads(json.dumps(made.to_dict()))["score"] == 100
    assert len(made.to_frame()) == len(made.results)
    assert analytics.get_system_status().database.data_quality_score == 100
    assert analytics.query_interface.get_system_metrics().data_quality.overall_score == 100
    kept = analytics.query(
        "SELECT check_name, passed, score, details FROM data_quality_metrics ORDER BY id"
    ).data
    assert [row["check_name"] for row in kept] == [one.name for one in made.results]
    looked_at = {one.name: one.checked for one in made.results}
    assert looked_at["values_in_range"] == 60
    assert looked_at["nothing_identifiable"] > 3


def test_an_empty_platform_breaks_nothing(analytics: AnalyticsSystem) -> None:
    assert all(one.passed for one in evaluate(analytics).values())


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (f"UPDATE {RESPONSES} SET time_spent_seconds = -1", "values_in_range"),
        (f"UPDATE {RESPONSES} SET completed_at = created_at - INTERVAL '1 s'", "values_in_range"),
        ("UPDATE analytics.anonymized_assessment_scores SET score = 100.5", "values_in_range"),
        (f"UPDATE {RESPONSES} SET gender = 'nobody'", "categories_known"),
        (f"UPDATE {RESPONSES} SET is_careless = true", "careless_few"),
        (
            f"UPDATE {RESPONSES} SET time_spent_seconds = NULL WHERE created_at >= '2024-02-01'",
            "missing_as_before",
        ),
        (
            "UPDATE analytics.anonymized_assessments SET assessment_type = 'ask ada@example.org'",
            "nothing_identifiable",
        ),
        ("UPDATE internal.batches SET loaded_at = now() - INTERVAL '8 days'", "fresh"),
        (
            "UPDATE internal.schema_history SET applied_at = now() - INTERVAL '9 days'",
            "backup_drilled",
        ),
        (
            "INSERT INTO analytics.dual_ai_validation_metrics"
            " (metric_date, dimension, primary_model, secondary_model, n, disagreements)"
            " VALUES ('2024-01-01', 'openness', 'a', 'b', 100, 21)",
            "ai_raters_agree",
        ),
        (f"DELETE FROM {RESPONSES}", "newest_batch_accounted"),
        (
            "INSERT INTO internal.batches (digest, name, status, contract_version, receipt)"
            " SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), 'b', 'loaded', '1',"
            " jsonb_build_object('accepted', CASE n WHEN 7 THEN 9 ELSE 100 END,"
            " 'by_kind', '{}'::jsonb, 'touched_days', '[]'::jsonb, 'quarantined', 0, 'settled', 0)"
            " FROM generate_series(1, 7) AS n",
            "volume_as_before",
        ),
    ],
)
def test_what_breaks_a_check_is_found(
    analytics: AnalyticsSystem, statement: str, check: str
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 150, days=55))
    assert evaluate(analytics)[check].passed
    with analytics.database.connection("ingest") as connection:
        connection.execute(statement.encode())
    made = analytics.evaluate_quality()
    broken = {one.name: one for one in made.results}[check]
    assert not broken.passed
    assert broken.faults > 0
    assert "ada@" not in json.dumps(made.to_dict())
    score = analytics.get_system_status().database.data_quality_score
    assert score == pytest.approx(made.score)
    assert made.score < 100
