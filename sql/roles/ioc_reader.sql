-- ioc_reader: released tables and views only; what dashboards read.
GRANT USAGE ON SCHEMA analytics TO ioc_reader;
GRANT SELECT ON
    analytics.daily_assessment_metrics,
    analytics.ocean_trait_distributions,
    analytics.benchmarking_data,
    analytics.dual_ai_validation_metrics,
    analytics.table_versions,
    analytics.mv_daily_assessment_overview,
    analytics.mv_weekly_response_metrics,
    analytics.mv_monthly_ocean_distributions,
    analytics.mv_industry_benchmarks,
    analytics.mv_system_performance_dashboard
TO ioc_reader;
