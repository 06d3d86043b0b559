-- forget_old_quality: deletes results of quality checks that are older than wanted.
-- Parameters: before (timestamptz).
DELETE FROM analytics.data_quality_metrics
WHERE measured_at < %(before)s
    AND NOT internal.is_held('measurements', measured_at)
