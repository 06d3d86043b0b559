-- newest_batch: the newest loaded batch and the entries it left in quarantine.
-- Row: batch_id, name, receipt (jsonb), quarantined (settled ones included); none: nothing is loaded.
SELECT
    b.batch_id,
    b.name,
    b.receipt,
    (SELECT count(*) FROM internal.quarantine AS q WHERE q.batch_id = b.batch_id) AS quarantined
FROM internal.batches AS b
WHERE b.status = 'loaded'
ORDER BY b.batch_id DESC
LIMIT 1
