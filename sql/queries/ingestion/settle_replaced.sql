-- settle_replaced: marks the conflicts of a batch that was given again with the request to replace what
-- is stored: its content was taken, or put aside once more under the new batch.
-- Parameters: batch_id (bigint), digest (bytea, of the batch that left the conflicts).
UPDATE internal.quarantine AS q
SET status = 'settled', settled_at = now(), settled_by = %(batch_id)s
FROM internal.batches AS b
WHERE b.batch_id = q.batch_id AND b.digest = %(digest)s AND b.status = 'loaded'
    AND q.status = 'waiting' AND q.rule = 'conflict'
