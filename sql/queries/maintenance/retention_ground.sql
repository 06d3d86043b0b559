-- retention_ground: what a plan of retention stands on: the server's clock, the newest moment on record,
-- and up to which batch everything arrived long enough ago.
-- Parameters: arrived_before (timestamptz).
-- Row: server_now, newest (timestamptz or NULL), last_batch (bigint), arrived (timestamptz or NULL, of it).
SELECT
    clock_timestamp() AS server_now,
    greatest(
        (SELECT max(b.loaded_at) FROM internal.batches AS b),
        (SELECT max(p.planned_at) FROM internal.retention_plans AS p),
        (SELECT max(h.measured_at) FROM analytics.system_health_metrics AS h)
    ) AS newest,
    l.last_batch,
    (SELECT max(b.loaded_at) FROM internal.batches AS b WHERE b.batch_id <= l.last_batch) AS arrived
FROM (
    SELECT coalesce(
        (SELECT min(b.batch_id) - 1 FROM internal.batches AS b WHERE b.loaded_at > %(arrived_before)s),
        (SELECT max(b.batch_id) FROM internal.batches AS b),
        0
    ) AS last_batch
) AS l
