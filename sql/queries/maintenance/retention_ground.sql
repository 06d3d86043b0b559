-- retention_ground: what a plan of retention stands on: up to which batch everything arrived long enough ago.
-- Parameters: arrived_before (timestamptz).
-- Row: last_batch (bigint), arrived (timestamptz or NULL, of it).
SELECT
    l.last_batch,
    (SELECT max(b.loaded_at) FROM internal.batches AS b WHERE b.batch_id <= l.last_batch) AS arrived
FROM (
    SELECT coalesce(
        (SELECT min(b.batch_id) - 1 FROM internal.batches AS b WHERE b.loaded_at > %(arrived_before)s),
        (SELECT max(b.batch_id) FROM internal.batches AS b),
        0
    ) AS last_batch
) AS l
