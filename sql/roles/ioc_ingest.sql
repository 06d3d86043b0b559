-- ioc_ingest: writes rows and states; makes partitions through a function of the owner.
GRANT USAGE ON SCHEMA analytics, internal TO ioc_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    analytics.anonymized_assessments,
    analytics.anonymized_assessment_responses,
    analytics.anonymized_question_responses,
    analytics.anonymized_assessment_scores,
    analytics.daily_assessment_metrics,
    analytics.ocean_trait_distributions,
    analytics.benchmarking_data,
    analytics.dual_ai_validation_metrics,
    analytics.predictive_analytics_results,
    analytics.processing_jobs,
    analytics.data_quality_metrics,
    analytics.system_health_metrics
TO ioc_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA internal TO ioc_ingest;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA analytics, internal TO ioc_ingest;
GRANT INSERT ON analytics.audit_log TO ioc_ingest;
GRANT SELECT ON
    analytics.mv_daily_assessment_overview,
    analytics.mv_weekly_response_metrics,
    analytics.mv_monthly_ocean_distributions,
    analytics.mv_industry_benchmarks,
    analytics.mv_system_performance_dashboard
TO ioc_ingest;
GRANT EXECUTE ON FUNCTION
    internal.make_partitions(date [], integer),
    internal.missing_partitions(date [], integer),
    internal.partition_parents(),
    internal.partition_runway(),
    internal.note_change(text),
    internal.is_held(text, timestamptz),
    internal.refresh_view(text),
    internal.server_activity(),
    internal.sum_days(date, date)
TO ioc_ingest;
