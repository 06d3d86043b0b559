-- waiting_orphans: records in quarantine whose parent is among the given ones. Children whose response
-- was put aside with them are left to it: they come when it comes, and not before.
-- Parameters: parents (uuid [] as text). Row: batch_id, key_id, id, kind, line, record, record_id.
WITH direct AS MATERIALIZED (
    SELECT q.id, q.batch_id, q.kind, q.record_id
    FROM internal.quarantine AS q
    WHERE q.status = 'waiting' AND q.rule = 'orphan' AND q.parent_id = ANY(%(parents)s::uuid [])
        AND (
            q.kind = 'responses'
            OR NOT EXISTS (
                SELECT 1 FROM internal.quarantine AS w
                WHERE w.status = 'waiting' AND w.kind = 'responses'
                    AND w.batch_id = q.batch_id AND w.record_id = q.parent_id
            )
        )
),
ready AS (
    SELECT d.id FROM direct AS d
    UNION
    SELECT c.id
    FROM direct AS d
    INNER JOIN internal.quarantine AS c
        ON c.batch_id = d.batch_id AND c.parent_id = d.record_id AND c.kind <> 'responses'
    WHERE d.kind = 'responses' AND c.status = 'waiting' AND c.rule = 'orphan'
)
SELECT q.batch_id, b.key_id, q.id, q.kind, q.line, q.record, q.record_id
FROM internal.quarantine AS q
INNER JOIN ready AS r ON r.id = q.id
INNER JOIN internal.batches AS b ON b.batch_id = q.batch_id
ORDER BY q.batch_id, q.id
FOR UPDATE OF q
