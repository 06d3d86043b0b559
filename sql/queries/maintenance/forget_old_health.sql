-- forget_old_health: deletes measured figures that are older than wanted.
-- Parameters: before (timestamptz).
DELETE FROM analytics.system_health_metrics
WHERE measured_at < %(before)s
    AND NOT internal.is_held('measurements', measured_at)
