"""The examples of the seed's README in our names, its SQL texts as printed."""

import gzip
from datetime import date

import pytest

from ioc_analytics import AnalyticsSystem
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
