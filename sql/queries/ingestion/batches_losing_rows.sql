-- batches_losing_rows: batches that this one had replaced rows of, that have children of its responses,
-- or that found records stored which this one may have brought.
-- Parameters: batch_id (bigint). Row: batch_id.
SELECT p.replaced_batch_id AS batch_id
FROM internal.replacements AS p
WHERE p.batch_id = %(batch_id)s
UNION
SELECT c.batch_id
FROM internal.response_registry AS r
CROSS JOIN LATERAL (VALUES (r.answers_batch), (r.scores_batch), (r.validations_batch)) AS c (batch_id)
WHERE r.response_batch = %(batch_id)s AND c.batch_id <> %(batch_id)s
UNION
SELECT b.batch_id
FROM internal.batches AS b
WHERE b.batch_id <> %(batch_id)s AND b.status = 'loaded'
    AND (b.receipt ->> 'duplicates')::bigint + (b.receipt ->> 'quarantined')::bigint > 0
ORDER BY batch_id
