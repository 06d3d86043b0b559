-- show_quarantine: one record put aside, with its pseudonymised content.
-- Parameters: id (bigint).
SELECT
    q.id,
    q.batch_id,
    b.name AS batch,
    q.kind,
    q.rule,
    q.file,
    q.line,
    q.column_name,
    q.value,
    q.contract_version,
    q.quarantined_at,
    q.status,
    q.settled_at,
    q.settled_by,
    q.record
FROM internal.quarantine AS q
INNER JOIN internal.batches AS b ON b.batch_id = q.batch_id
WHERE q.id = %(id)s
