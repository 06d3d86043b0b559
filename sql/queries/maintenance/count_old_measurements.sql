-- count_old_measurements: measured figures and results of quality checks that are older than wanted.
-- Parameters: days (int). Row: number.
SELECT
    (
        SELECT count(*) FROM analytics.system_health_metrics AS h
        WHERE h.measured_at < now() - make_interval(days => %(days)s)
            AND NOT internal.is_held('measurements', h.measured_at)
    ) + (
        SELECT count(*) FROM analytics.data_quality_metrics AS q
        WHERE q.measured_at < now() - make_interval(days => %(days)s)
            AND NOT internal.is_held('measurements', q.measured_at)
    ) AS number
