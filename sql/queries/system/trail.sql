-- trail: the server's clock, and what was recorded by it: the newest moment, and the newest one before another.
-- Parameters: before (timestamptz). Row: server_now, newest, earlier (timestamptz or NULL).
SELECT
    clock_timestamp() AS server_now,
    greatest(
        (SELECT max(b.loaded_at) FROM internal.batches AS b),
        (SELECT max(p.planned_at) FROM internal.retention_plans AS p),
        (SELECT max(h.measured_at) FROM analytics.system_health_metrics AS h)
    ) AS newest,
    greatest(
        (SELECT max(b.loaded_at) FROM internal.batches AS b WHERE b.loaded_at < %(before)s),
        (SELECT max(p.planned_at) FROM internal.retention_plans AS p WHERE p.planned_at < %(before)s),
        (SELECT max(h.measured_at) FROM analytics.system_health_metrics AS h WHERE h.measured_at < %(before)s),
        (SELECT max(j.finished_at) FROM analytics.processing_jobs AS j WHERE j.finished_at < %(before)s),
        (SELECT max(s.applied_at) FROM internal.schema_history AS s WHERE s.applied_at < %(before)s)
    ) AS earlier
