-- list_quarantine: records put aside, newest first.
-- Parameters: batch_id (bigint or NULL), rule (text or NULL), status (text), limit (integer).
-- Row: id, batch_id, batch, kind, rule, file, line, column_name, value, quarantined_at, status.
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
    q.status
FROM internal.quarantine AS q
INNER JOIN internal.batches AS b ON b.batch_id = q.batch_id
WHERE q.status = %(status)s
    AND (%(batch_id)s::bigint IS NULL OR q.batch_id = %(batch_id)s::bigint)
    AND (%(rule)s::text IS NULL OR q.rule = %(rule)s::text)
ORDER BY q.id DESC
LIMIT %(limit)s
