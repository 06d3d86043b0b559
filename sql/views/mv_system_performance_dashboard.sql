-- Health figures by hour.
CREATE MATERIALIZED VIEW analytics.mv_system_performance_dashboard AS
SELECT
    date_trunc('hour', h.measured_at, 'UTC') AS hour,
    h.component,
    h.metric,
    h.unit,
    count(h.value) AS samples,
    avg(h.value) AS average,
    min(h.value) AS minimum,
    max(h.value) AS maximum,
    count(*) FILTER (WHERE h.status = 'unhealthy') AS unhealthy_samples
FROM analytics.system_health_metrics AS h
GROUP BY date_trunc('hour', h.measured_at, 'UTC'), h.component, h.metric, h.unit;
COMMENT ON MATERIALIZED VIEW analytics.mv_system_performance_dashboard IS 'Health figures by hour';
CREATE UNIQUE INDEX mv_system_performance_dashboard_key
ON analytics.mv_system_performance_dashboard (hour, component, metric, unit);
