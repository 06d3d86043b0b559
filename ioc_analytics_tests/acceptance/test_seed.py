"""The examples of the seed's README in our names, its SQL texts as printed."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem, create_analytics_system
from ioc_analytics.kernel.errors import NotEnoughData
from ioc_analytics_tests.database.survey import make_survey

YEAR = {"start": date(2024, 1, 1), "end": date(2024, 12, 31)}

MONTHLY = """
  SELECT 
    DATE_TRUNC('month', created_at) as month,
    dimension,
    AVG(score) as avg_score,
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY score) as median_score,
    COUNT(*) as sample_size
  FROM anonymized_assessment_scores 
  WHERE created_at >= $1 
    AND dimension IN ('openness', 'conscientiousness', 'extraversion', 'agreeableness', 'neuroticism')
  GROUP BY month, dimension
  ORDER BY month DESC, dimension
"""  # noqa: E501, W291  (as printed)


DASHBOARD = """
    SELECT * FROM mv_system_performance_dashboard 
    WHERE hour >= NOW() - INTERVAL '24 hours'
    ORDER BY hour DESC
"""  # noqa: W291  (as printed)

TRAINING = """
  SELECT 
    dimension,
    score,
    industry_category,
    org_size_category,
    time_spent_seconds,
    completion_percentage
  FROM anonymized_assessment_scores s
  JOIN anonymized_assessment_responses r ON s.response_hash = r.id
  JOIN anonymized_assessments a ON s.assessment_hash = a.id
  WHERE s.created_at >= $1
"""  # noqa: W291  (as printed)

STORE = """
  INSERT INTO predictive_analytics_results (
    model_name, model_version, prediction_target, accuracy_metrics
  ) VALUES ($1, $2, $3, $4)
"""


def test_the_seeds_configuration_is_taken(tmp_path: Path) -> None:
    analytics = create_analytics_system(
        {
            "database": {
                "host": "analytics-db.company.com",
                "port": 5432,
                "database": "ioc_analytics",
                "username": "analytics_user",
                "password": "secure_password",
                "ssl": True,
                "pool": {
                    "min": 2,
                    "max": 20,
                    "idle_timeout_millis": 30000,
                    "connection_timeout_millis": 2000,
                },
                "partitioning": {"enabled": True, "strategy": "time", "interval": "monthly"},
                "compression": {"enabled": True, "algorithm": "lz4"},
            },
            "operations": {
                "batch_size": 1000,
                "parallel_processing": 4,
                "enable_caching": True,
                "cache_timeout": 300000,
            },
            "enable_monitoring": True,
            "enable_backups": True,
            "retention_days": 90,
        },
        home=tmp_path,
    )
    assert analytics.config.database.pool.max == 20
    assert "secure_password" not in repr(analytics.config)


def test_the_seeds_questions_are_answered(analytics: AnalyticsSystem) -> None:
    result = analytics.ingest_data(make_survey(analytics.config, 300))
    assert result.records_processed > 300
    analytics.refresh()
    assert analytics.get_system_status().watermark is not None

    analysis = analytics.get_ocean_analysis(
        [{"field": "industry_category", "operator": "eq", "value": "Technology"}], YEAR
    )
    assert [trait.name for trait in analysis.traits][0] == "openness"
    assert all(trait.percentiles[50] is not None for trait in analysis.traits)
    assert analysis.correlations["openness"]["neuroticism"].sample_size > 0

    rows = analytics.query(MONTHLY, [date(2024, 1, 1)]).data
    assert sum(row["sample_size"] for row in rows) > 300
    assert {"month", "dimension", "avg_score", "median_score"} <= set(rows[0])

    exported = analytics.export_data(
        "SELECT * FROM mv_monthly_ocean_distributions WHERE period_start >= $1",
        [date(2024, 1, 1)],
        "csv",
        {
            "filename": "monthly_ocean_report.csv",
            "include_headers": True,
            "compression": "gzip",
        },
    )
    assert exported.filename == "monthly_ocean_report.csv.gz"
    lines = gzip.decompress(exported.path.read_bytes()).decode().splitlines()
    assert len(lines) == exported.row_count + 1

    with pytest.raises(NotEnoughData):
        analytics.get_benchmarks("organization-hash-123", "Technology", "Medium")


def test_the_seeds_operations_are_there(analytics: AnalyticsSystem) -> None:
    metrics = analytics.query_interface.get_system_metrics().to_dict()
    assert {"avg_response_time", "cache_hit_rate", "error_rate"} <= set(metrics["performance"])
    assert {"cpu_usage", "memory_usage"} <= set(metrics["resources"])
    assert "overall_score" in metrics["data_quality"]
    assert analytics.database_manager.get_migration_history()
    assert analytics.health_check().status in ("healthy", "degraded", "unhealthy")


def test_the_seeds_metrics_and_trends(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 400, days=60))
    completion = analytics.analyze_metric("completion_rate", None, YEAR)
    assert completion.value is not None
    assert completion.confidence is not None
    assert completion.confidence.low <= completion.value <= completion.confidence.high
    assert completion.sample_size == 400

    trends = analytics.analyze_trends("response_volume", YEAR, "monthly")
    assert trends.trend == "undetermined", "a year of months says nothing beyond chance"
    daily = analytics.analyze_trends("response_volume", YEAR, "daily")
    assert daily.trend in ("increasing", "decreasing", "stable")
    assert daily.significance is not None
    assert daily.correlation is not None


def test_the_seeds_machine_learning_texts_run_as_printed(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 50))
    exported = analytics.export_data(TRAINING, [date(2024, 1, 1)], "json")
    rows = json.loads(exported.path.read_text("utf-8"))
    assert len(rows) == exported.row_count > 200
    assert {"dimension", "score", "industry_category"} <= set(rows[0])
    stored = ["model", "1", "completion", {"auc": 0.7}]
    analytics.query(STORE, stored, {"access": "ml"})
    kept = analytics.query("SELECT model_name, accuracy_metrics FROM predictive_analytics_results")
    assert kept.data == [{"model_name": "model", "accuracy_metrics": {"auc": 0.7}}]


def test_the_seeds_upkeep(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    backup = analytics.create_backup()
    assert backup.id
    assert backup.size > 0
    assert Path(backup.location).is_dir()
    assert len(backup.checksum) == 64

    for advice in analytics.get_scaling_recommendations():
        assert advice.priority in ("urgent", "high", "medium", "low")
        assert advice.description
        assert advice.estimated_impact
        assert advice.timeline

    report = analytics.perform_maintenance()
    assert {step.name for step in report.steps} >= {"statistics", "vacuum", "views", "indexes"}
    assert analytics.health_check().checks.database

    (tmp_path / "0001_own.sql").write_text("CREATE TABLE own_notes (note text);")
    manager = analytics.database_manager
    assert manager.run_migrations(tmp_path) == ["0001_own.sql"]
    assert manager.run_migrations(tmp_path) == []
    assert isinstance(manager.check_for_alerts(), list)
    manager.get_performance_metrics()
    analytics.refresh_views()
    assert analytics.query(DASHBOARD).row_count >= 1
