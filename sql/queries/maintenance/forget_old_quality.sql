-- forget_old_quality: deletes results of quality checks that are older than wanted.
-- Parameters: days (int).
DELETE FROM analytics.data_quality_metrics
WHERE measured_at < now() - make_interval(days => %(days)s)
    AND NOT internal.is_held('measurements', measured_at)
