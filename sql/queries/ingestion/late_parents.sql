-- late_parents: parents that were stored while the batch with their orphans was being loaded.
-- Parameters: batch_id (bigint). Row: parent_id.
SELECT DISTINCT q.parent_id
FROM internal.quarantine AS q
WHERE q.batch_id = %(batch_id)s
    AND q.status = 'waiting'
    AND q.rule = 'orphan'
    AND (
        EXISTS (SELECT 1 FROM analytics.anonymized_assessments AS a WHERE a.id = q.parent_id)
        OR EXISTS (SELECT 1 FROM internal.response_registry AS r WHERE r.response_hash = q.parent_id)
    )
