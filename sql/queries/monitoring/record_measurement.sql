-- record_measurement: keeps one measured figure.
-- Parameters: measured_at, component, metric, value, unit, status.
INSERT INTO analytics.system_health_metrics (measured_at, component, metric, value, unit, status)
VALUES (%(measured_at)s, %(component)s, %(metric)s, %(value)s, %(unit)s, %(status)s)
ON CONFLICT DO NOTHING
