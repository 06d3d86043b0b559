-- recorded: recorded figures after one moment and up to another, oldest first.
-- Parameters: after, until (timestamptz), component, metric (text, NULL: all).
-- Row: measured_at, component, metric, value.
SELECT
    h.measured_at,
    h.component,
    h.metric,
    h.value
FROM analytics.system_health_metrics AS h
WHERE
    h.measured_at > %(after)s AND h.measured_at <= %(until)s
    AND (%(component)s::text IS NULL OR (h.component = %(component)s AND h.metric = %(metric)s))
ORDER BY h.measured_at, h.component, h.metric
