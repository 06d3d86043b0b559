-- newest_batches: the newest batches of the ledger.
-- Parameters: limit (integer).
SELECT
    b.batch_id,
    b.name,
    b.status,
    b.loaded_at,
    coalesce((b.receipt ->> 'accepted')::bigint, 0) AS accepted,
    coalesce((b.receipt ->> 'duplicates')::bigint, 0) AS duplicates,
    coalesce((b.receipt ->> 'quarantined')::bigint, 0) AS quarantined
FROM internal.batches AS b
ORDER BY b.batch_id DESC
LIMIT %(limit)s
