-- waiting_orphans: records in quarantine whose parent is among the given ones.
-- Parameters: parents (uuid [] as text). Row: id, kind, line, record.
SELECT q.id, q.kind, q.line, q.record
FROM internal.quarantine AS q
WHERE q.status = 'waiting' AND q.rule = 'orphan' AND q.parent_id = ANY(%(parents)s::uuid [])
ORDER BY q.id
FOR UPDATE OF q
