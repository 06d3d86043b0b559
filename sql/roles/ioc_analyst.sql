-- ioc_analyst: pseudonymised records and everything derived from them; ioc_query is its login for
-- custom SQL with the same grants on analytics and none on internal; ioc_ml may also store predictions.
GRANT USAGE ON SCHEMA analytics TO ioc_analyst, ioc_query, ioc_ml;
GRANT SELECT ON
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
    analytics.system_health_metrics,
    analytics.table_versions,
    analytics.ocean_score_counts,
    analytics.mv_daily_assessment_overview,
    analytics.mv_weekly_response_metrics,
    analytics.mv_monthly_ocean_distributions,
    analytics.mv_industry_benchmarks,
    analytics.mv_system_performance_dashboard
TO ioc_analyst, ioc_query, ioc_ml;
GRANT EXECUTE ON FUNCTION internal.unpack_counts(bytea) TO ioc_analyst, ioc_query, ioc_ml;
GRANT INSERT ON analytics.predictive_analytics_results TO ioc_ml;

GRANT USAGE ON SCHEMA internal TO ioc_analyst;
GRANT SELECT ON
    internal.instruments,
    internal.questions,
    internal.categories,
    internal.batches,
    internal.quarantine,
    internal.response_registry,
    internal.ai_validations,
    internal.answer_vectors,
    internal.touched_days,
    internal.trait_states,
    internal.item_states,
    internal.organization_states,
    internal.time_states,
    internal.sealed_months,
    internal.norm_versions,
    internal.norm_counts,
    internal.norm_applications,
    internal.backups,
    internal.retention_plans,
    internal.retention_holds,
    internal.retired_partitions,
    internal.alert_states,
    internal.alerts,
    internal.alert_silences
TO ioc_analyst;
GRANT EXECUTE ON FUNCTION internal.partition_runway() TO ioc_analyst;
