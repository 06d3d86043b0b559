-- daily_history: the highest value of one figure by UTC day, ascending.
-- Parameters: component, metric (text), since (timestamptz). Row: day (date), highest.
SELECT
    (h.measured_at AT TIME ZONE 'UTC')::date AS day,
    max(h.value) AS highest
FROM analytics.system_health_metrics AS h
WHERE
    h.component = %(component)s AND h.metric = %(metric)s AND h.measured_at >= %(since)s
    AND h.value IS NOT NULL
GROUP BY 1
ORDER BY 1
