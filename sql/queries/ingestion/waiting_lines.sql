-- waiting_lines: records in quarantine that came from some files, with the lines where they stand.
-- Parameters: files (text []), batch_id (bigint or NULL), ids (bigint [] or NULL).
-- Row: id, batch_id, key_id, kind, file, line, column_name, record_id.
SELECT q.id, q.batch_id, b.key_id, q.kind, q.file, q.line, q.column_name, q.record_id
FROM internal.quarantine AS q
INNER JOIN internal.batches AS b ON b.batch_id = q.batch_id
WHERE q.status = 'waiting' AND q.line IS NOT NULL AND q.file = ANY(%(files)s::text [])
    AND (%(batch_id)s::bigint IS NULL OR q.batch_id = %(batch_id)s::bigint)
    AND (%(ids)s::bigint [] IS NULL OR q.id = ANY(%(ids)s::bigint []))
ORDER BY q.id
FOR UPDATE OF q
