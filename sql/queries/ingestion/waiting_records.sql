-- waiting_records: records in quarantine that may be judged again, of one batch or of all.
-- Parameters: batch_id (bigint or NULL), ids (bigint [] or NULL). Row: id, kind, line, record.
SELECT q.id, q.kind, q.line, q.record
FROM internal.quarantine AS q
WHERE q.status = 'waiting'
    AND (%(batch_id)s::bigint IS NULL OR q.batch_id = %(batch_id)s::bigint)
    AND (%(ids)s::bigint [] IS NULL OR q.id = ANY(%(ids)s::bigint []))
    AND q.record_id IS NOT NULL
    AND q.rule IN ('orphan', 'conflict', 'unknown_instrument', 'unknown_item', 'too_many_partitions', 'value_out_of_range')
ORDER BY q.id
FOR UPDATE OF q
