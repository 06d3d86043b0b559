"""The seed's README, section by section: its examples in our names, its SQL texts as printed."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsConfig, AnalyticsSystem, create_analytics_system
from ioc_analytics.kernel.errors import NotEnoughData, PrivacyRefusal
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics_tests.database.survey import make_survey
from ioc_analytics_tests.database.test_benchmarks import make_organizations

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

TABLES = """
    anonymized_assessments anonymized_assessment_responses anonymized_question_responses
    anonymized_assessment_scores daily_assessment_metrics ocean_trait_distributions
    benchmarking_data dual_ai_validation_metrics predictive_analytics_results processing_jobs
    data_quality_metrics system_health_metrics audit_log mv_daily_assessment_overview
    mv_weekly_response_metrics mv_monthly_ocean_distributions mv_industry_benchmarks
    mv_system_performance_dashboard
"""

INDEXES = """
    idx_assessment_org_industry_size idx_recent_assessments_published
    idx_daily_metrics_device_breakdown_gin
"""

ENVIRONMENT = """
    ANALYTICS_DB_HOST=localhost
    ANALYTICS_DB_PORT=5432
    ANALYTICS_DB_NAME=ioc_analytics
    ANALYTICS_DB_USER=analytics_user
    ANALYTICS_DB_PASSWORD=secure_password
    ANALYTICS_DB_SSL=true
    ANALYTICS_BATCH_SIZE=1000
    ANALYTICS_PARALLEL_PROCESSING=4
    ANALYTICS_RETRY_ATTEMPTS=3
    ANALYTICS_ENABLE_CACHING=true
    ANALYTICS_CACHE_TIMEOUT=300000
    ANALYTICS_ENABLE_MONITORING=true
    ANALYTICS_ENABLE_BACKUPS=true
    ANALYTICS_BACKUP_SCHEDULE=0 2 * * *
    ANALYTICS_RETENTION_DAYS=90
    ANALYTICS_DEBUG_MODE=false
"""

METHODS = {
    "": """initialize get_system_status ingest_data query get_ocean_analysis get_benchmarks
        analyze_metric analyze_trends export_data create_backup perform_maintenance health_check
        close""",
    "query_interface": """execute_query execute_aggregation_query get_ocean_trait_analysis
        get_performance_benchmarks export_data generate_report get_system_metrics""",
    "database_manager": """run_migrations create_backup get_performance_metrics check_for_alerts
        get_scaling_recommendations perform_maintenance get_migration_history""",
}

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


def test_the_seeds_environment_is_taken(tmp_path: Path) -> None:
    given = dict(line.strip().split("=", 1) for line in ENVIRONMENT.strip().splitlines())
    config = AnalyticsConfig.load({**given, "ANALYTICS_HOME": str(tmp_path)})
    assert (config.database.host, config.database.port) == ("localhost", 5432)
    assert (config.operations.batch_size, config.operations.retry_attempts) == (1000, 3)
    assert config.operations.cache_timeout == 300_000
    assert (config.backup_schedule, config.retention_days) == ("0 2 * * *", 90)
    assert (config.enable_monitoring, config.debug_mode) == (True, False)


def test_the_seeds_schema_and_methods_are_there(analytics: AnalyticsSystem) -> None:
    with analytics.database.connection("owner") as connection:
        relations = dict(
            connection.execute(
                "SELECT relname, relkind::text FROM pg_class "
                "WHERE relnamespace = 'analytics'::regnamespace"
            ).fetchall()
        )
    for name in TABLES.split():
        assert relations[name] in ("m" if name.startswith("mv_") else "rp"), name
    assert {relations[name] for name in INDEXES.split()} == {"i"}
    assert relations["anonymized_assessment_scores"] == "p", "partitioned by time"
    for place, names in METHODS.items():
        for name in names.split():
            assert callable(getattr(getattr(analytics, place) if place else analytics, name)), name


def test_the_seeds_benchmarks(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_organizations(analytics.config))
    found = analytics.get_benchmarks("org0", "Technology", "Medium")
    assert found.performance_index is not None
    assert 0 <= found.performance_index.value < 50, "hardly anyone completes"
    completion = found.shown["completion_rate"]
    assert completion.value < completion.peer_median
    assert completion.peer_organizations >= 5
    advice = found.recommendations[0]
    assert advice.priority
    assert advice.evidence["metric"] in ("completion_rate", "abandonment_rate")
    assert advice.evidence


def test_the_seeds_pipeline_and_privacy(analytics: AnalyticsSystem) -> None:
    operational = {
        "assessments": [
            {
                "assessment_id": "spring survey",
                "organization_id": "Acme Ltd",
                "industry": "51",
                "employee_count": 120,
                "country": "DE",
                "instrument": "ipip50",
                "created_at": "2025-02-01",
            }
        ],
        "responses": [
            {
                "response_id": "r1",
                "assessment_id": "spring survey",
                "respondent_id": "ada.lovelace@example.org",
                "country": "DE",
                "age": 36,
                "status": "completed",
                "started_at": "2025-03-01T10:00:00Z",
            }
        ],
    }
    anonymized = AnonymizationPipeline(analytics.config).process_data(operational)
    result = analytics.ingest_data(anonymized)
    assert (result.records_processed, result.accepted) == (2, 2)
    row = analytics.query(
        "SELECT r.*, a.* FROM anonymized_assessment_responses r "
        "JOIN (SELECT id AS assessment, industry_category, org_size_category, region AS place "
        "FROM anonymized_assessments) a ON a.assessment = r.assessment_hash"
    ).data[0]
    assert (row["industry_category"], row["org_size_category"]) == ("Technology", "Medium")
    assert (row["region"], row["age_band"]) == ("Western Europe", "35_44")
    stored = json.dumps(row, default=str)
    for personal in ("lovelace", "acme", "spring", "example.org"):
        assert personal not in stored.lower()
    with pytest.raises(PrivacyRefusal):
        identified = anonymized["responses"].to_pylist()[0] | {"id": "ada.lovelace@example.org"}
        analytics.ingest_data({"responses": [identified]})
    with analytics.database.connection("auditor") as connection:
        actions = {a for (a,) in connection.execute("SELECT DISTINCT action FROM audit_log")}
    assert "query" in actions
    assert analytics.query("SELECT count(*) AS n FROM processing_jobs").data[0]["n"] > 0


def test_the_seeds_dashboard(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_organizations(analytics.config))
    data = {
        "ocean_trends": analytics.get_ocean_analysis().to_dict(),
        "performance_metrics": analytics.get_system_status().to_dict(),
        "industry_benchmarks": analytics.get_benchmarks().to_dict(),
    }
    sent = json.loads(json.dumps(data))
    assert len(sent["ocean_trends"]["traits"]) == 5
    assert sent["industry_benchmarks"]["benchmarks"]["completion_rate"]["peer_organizations"] == 12


def test_the_seeds_troubleshooting(analytics: AnalyticsSystem) -> None:
    assert analytics.health_check().checks.database
    assert all(advice.priority for advice in analytics.get_scaling_recommendations())
    score = analytics.get_system_status().database.data_quality_score
    assert score is None or 0 <= score <= 100
    with AnalyticsSystem(analytics.config.replace(debug_mode=True)) as debugged:
        assert debugged.query("SELECT 1 AS one").data == [{"one": 1}]


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

    technology = analytics.analyze_metric("completion_rate", {"industry": "Technology"}, YEAR)
    assert 0 < technology.sample_size < 400

    set_up = analytics.analyze_trends("assessment_volume", {"start": date(2023, 1, 1)}, "monthly")
    assert set_up.trend == "undetermined"
    trends = analytics.analyze_trends("response_volume", YEAR, "monthly")
    assert trends.trend == "undetermined", "a year of months says nothing beyond chance"
    daily = analytics.analyze_trends("response_volume", YEAR, "daily")
    assert daily.trend in ("increasing", "decreasing", "stable")
    assert daily.significance is not None
    assert daily.correlation is not None


def test_the_seeds_trait_analysis(analytics: AnalyticsSystem) -> None:
    analytics.ingest_data(make_survey(analytics.config, 1500, days=330))
    analysis = analytics.get_ocean_analysis(time_range=YEAR)
    assert set(analysis.traits[0].percentiles) == {5, 10, 25, 50, 75, 90, 95}
    assert analysis.correlations["openness"]["extraversion"].confidence_interval is not None

    by_industry = analytics.compare_groups("industry_category", time_range=YEAR)
    assert {trait.name for trait in by_industry.traits} == {t.name for t in analysis.traits}
    assert all(trait.welch is not None for trait in by_industry.traits)
    assert analytics.compare_groups("org_size_category", time_range=YEAR).traits
    organization = analytics.get_ocean_analysis({"org_hash": "acme"}, YEAR)
    assert 0 < organization.sample_size < analysis.sample_size

    history = analytics.ocean_over_time("monthly", time_range=YEAR)
    months = {point.period_start for point in history.points}
    assert len(months) == 11
    assert sum(p.sample_size for p in history.points if p.trait == "openness") == sum(
        t.sample_size for t in analysis.traits if t.name == "openness"
    )
    trend = analytics.analyze_trends("openness", YEAR, "weekly")
    assert trend.trend in ("increasing", "decreasing", "stable")

    outliers = analytics.find_outliers(time_range=YEAR)
    assert outliers.judged_months > 0
    assert all(found.vectors for found in outliers.by_instrument.values())


def test_the_seeds_predictive_analytics(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    (batch,) = generate_files(tmp_path / "year", responses=6_000, seed=7, organizations=40).batches
    analytics.ingest_files(batch)

    completion = analytics.predict_completion()
    assert completion.interval.low < completion.value < completion.interval.high
    assert completion.model != "base_rate", "what is known of open responses tells something"
    quality = analytics.forecast("data_quality_score", 4, "weekly")
    assert all(0 <= p.interval.low <= p.value <= p.interval.high <= 100 for p in quality.points)
    volume = analytics.forecast("response_volume", 14)
    assert [(p.end - p.start).days for p in volume.points] == [1] * 14
    risks = analytics.assess_risks()
    assert {risk.metric for risk in risks.watched} >= {"completion_rate", "ai_agreement_rate"}
    assert risks.risks == (), "nothing has changed in the made-up year"
    plan = analytics.plan_resources(90)
    assert {one.resource for one in plan.resources} >= {"rows", "bytes", "connections"}

    kept = analytics.query(
        "SELECT DISTINCT prediction_target FROM predictive_analytics_results "
        "WHERE interval_low <= prediction AND prediction <= interval_high"
    )
    assert {row["prediction_target"] for row in kept.data} >= {
        "completion", "data_quality_score", "response_volume", "completion_rate",
    }  # fmt: skip


def test_the_seeds_real_time_insights(analytics: AnalyticsSystem) -> None:
    """An answer holds what was taken in a moment ago, refreshed or not."""
    by_status = {"group_by": ["status"], "measures": ["count"]}
    analytics.ingest_data(make_survey(analytics.config, 100, days=1))
    table = "anonymized_assessment_responses"
    before = analytics.execute_aggregation_query(table, by_status).to_frame()["count"].sum()
    assert before == analytics.analyze_metric("response_volume").value == 100
    analytics.ingest_data(make_survey(analytics.config, 50, seed=2, days=1, name="x"))
    after = analytics.execute_aggregation_query(table, by_status)
    assert not after.from_cache
    assert after.to_frame()["count"].sum() == 150
    assert analytics.analyze_metric("response_volume").value == 150
    assert analytics.get_ocean_analysis().sample_size > 0

    analytics.refresh()
    overview = "SELECT responses_started AS n FROM mv_daily_assessment_overview"
    assert {row["n"] for row in analytics.query(overview).data if row["n"]} == {150}
    analytics.evaluate_quality()
    metrics = analytics.get_system_metrics().to_dict()
    assert metrics["data_quality"]["overall_score"] is not None
    assert metrics["performance"]["avg_response_time"] is not None
    assert analytics.health_check().checks.database.status == "healthy"


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
