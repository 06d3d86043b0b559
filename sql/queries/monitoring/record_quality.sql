-- record_quality: keeps the result of one data quality check.
-- Parameters: measured_at, table_name, check_name, passed, severity, score, details (jsonb).
INSERT INTO analytics.data_quality_metrics (
    measured_at, table_name, check_name, passed, severity, score, details
)
VALUES (
    %(measured_at)s, %(table_name)s, %(check_name)s, %(passed)s, %(severity)s, %(score)s, %(details)s
)
