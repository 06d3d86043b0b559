"""Data quality is measured: what breaks a check is found by it, and lowers the score."""

import json
from datetime import date

import numpy as np
import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.monitoring.integrity import PROMISES
from ioc_analytics.monitoring.quality import read_history
from ioc_analytics.records.quality import BLOCKING, CHECKS, QualityResult
from ioc_analytics.states.items import ItemState
from ioc_analytics.states.rebuild import write_items
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
        (
            "UPDATE internal.touched_days SET touched_at = now() - INTERVAL '2 h'",
            "released_in_time",
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


@pytest.mark.parametrize(
    ("where", "cell"),
    [
        ("industry_category <> 'all' AND org_size_category = 'all' AND region = 'all'", None),
        ("device_type <> 'all'", None),
        ("age_band <> 'all' AND gender <> 'all'", None),
    ],
)
def test_a_false_figure_is_found_in_any_roll_up(
    analytics: AnalyticsSystem, where: str, cell: str | None
) -> None:
    analytics.ingest_data(make_survey(analytics.config, 400, days=20))
    analytics.refresh()
    true = analytics.check_integrity("released_month_equals_rows")
    assert true.passed
    assert true.checked > 50
    with analytics.database.connection("ingest") as connection:
        changed = connection.execute(
            "UPDATE analytics.ocean_trait_distributions SET mean = mean + 0.01"
            " WHERE grain = 'month' AND dimension = 'openness' AND mean IS NOT NULL"
            f" AND {where}".encode()
        ).rowcount
    assert changed > 0
    found = evaluate(analytics)
    broken = found["released_month_equals_rows"]
    assert not broken.passed
    assert cell is None or cell in {row["cell"] for row in broken.sample}
    # The views do not show it yet, and are not refreshed while it stands.
    assert found["views_equal_tables"].faults == 2 * changed
    assert [one.name for one in analytics.broken_promises()] == ["released_month_equals_rows"]


def test_a_check_of_somebody_elses_with_the_same_name_blocks_nothing(
    analytics: AnalyticsSystem,
) -> None:
    with analytics.database.connection("ingest") as connection:
        for table, passed in (("anonymized_assessments", True), ("analytics.sectors", False)):
            connection.execute(
                "INSERT INTO analytics.data_quality_metrics"
                " (measured_at, table_name, check_name, passed, severity, details)"
                " VALUES (now(), %s, 'nothing_identifiable', %s, 'error', '{}')",
                [table, passed],
            )
        history = read_history(connection, ["nothing_identifiable"], 5)
    assert analytics.broken_promises() == ()
    assert [one.passed for one in history["nothing_identifiable"]] == [True]


def test_reliability_that_drifts_is_found(analytics: AnalyticsSystem) -> None:
    scale = builtin_instruments()["ipip50"]
    generator = np.random.default_rng(4)

    def answered(people: int, noise: float) -> ItemState:
        level = generator.normal(3, 1, (people, 1))
        turned = np.array([-1 if item.is_reversed else 1 for item in scale.items])
        drawn = 3 + turned * (level - 3 + generator.normal(0, noise, (people, len(turned))))
        return ItemState.from_answers(np.clip(np.rint(drawn), 1, 5).astype(np.int8), scale)

    def store(month: date, state: ItemState) -> None:
        with analytics.database.connection("ingest") as connection:
            write_items(connection, "month", [month], [scale.name], [False], [state])

    store(date(2024, 1, 1), answered(400, 0.8))
    assert evaluate(analytics)["reliable_as_before"].checked == 0
    store(date(2024, 2, 1), answered(300, 0.8))
    steady = evaluate(analytics)["reliable_as_before"]
    assert (steady.passed, steady.checked) == (True, 5)
    store(date(2024, 3, 1), answered(300, 4.0))
    drifted = evaluate(analytics)["reliable_as_before"]
    assert (drifted.passed, drifted.faults) == (False, 5)
    (row, *_) = drifted.sample
    assert row["newest"] < row["low"] + 0.2 < row["before"]


def test_what_blocks_is_critical_and_a_promise() -> None:
    assert set(BLOCKING) == set(PROMISES)
    assert {CHECKS[name].severity for name in BLOCKING} == {"critical"}


def test_a_check_looked_at_alone_counts_in_the_score(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 60, days=20))
    analytics.refresh()
    analytics.evaluate_quality()
    with analytics.database.connection("ingest") as connection:
        connection.execute(f"DELETE FROM {RESPONSES}".encode())
    assert not analytics.check_integrity("newest_batch_accounted").passed
    score = analytics.get_system_status().database.data_quality_score
    assert score is not None
    assert 50 < score < 100
    assert [one.name for one in analytics.broken_promises()] == ["newest_batch_accounted"]
