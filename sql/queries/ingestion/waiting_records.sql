-- waiting_records: records in quarantine that may be judged again, of one batch or of all.
-- Parameters: batch_id (bigint or NULL), ids (bigint [] or NULL).
-- Row: batch_id, key_id, id, kind, line, record, record_id.
SELECT q.batch_id, b.key_id, q.id, q.kind, q.line, q.record, q.record_id
FROM internal.quarantine AS q
INNER JOIN internal.batches AS b ON b.batch_id = q.batch_id
WHERE q.status = 'waiting'
    AND (%(batch_id)s::bigint IS NULL OR q.batch_id = %(batch_id)s::bigint)
    AND (%(ids)s::bigint [] IS NULL OR q.id = ANY(%(ids)s::bigint []))
    AND q.record_id IS NOT NULL
    AND q.rule IN ('orphan', 'conflict', 'unknown_instrument', 'too_many_partitions', 'duplicate_in_batch')
ORDER BY q.batch_id, q.id
FOR UPDATE OF q
