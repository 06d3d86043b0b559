-- count_old_measurements: measured figures and results of quality checks that are older than wanted.
-- Parameters: before (timestamptz). Row: number.
SELECT
    (
        SELECT count(*) FROM analytics.system_health_metrics AS h
        WHERE h.measured_at < %(before)s
            AND NOT internal.is_held('measurements', h.measured_at)
    ) + (
        SELECT count(*) FROM analytics.data_quality_metrics AS q
        WHERE q.measured_at < %(before)s
            AND NOT internal.is_held('measurements', q.measured_at)
    ) AS number
