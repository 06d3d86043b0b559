-- forget_old_health: deletes measured figures that are older than wanted.
-- Parameters: days (int).
DELETE FROM analytics.system_health_metrics
WHERE measured_at < now() - make_interval(days => %(days)s)
    AND NOT internal.is_held('measurements', measured_at)
