-- ioc_auditor: the audit log and the health of the system, no records.
GRANT USAGE ON SCHEMA analytics TO ioc_auditor;
GRANT SELECT ON
    analytics.audit_log,
    analytics.processing_jobs,
    analytics.data_quality_metrics,
    analytics.system_health_metrics,
    analytics.table_versions,
    analytics.mv_system_performance_dashboard
TO ioc_auditor;
