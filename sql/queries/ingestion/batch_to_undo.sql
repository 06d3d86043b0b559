-- batch_to_undo: status of a batch, locked, and in how many sealed months it has rows.
-- Parameters: batch_id (bigint). Row: status, sealed_months.
SELECT
    b.status,
    (
        SELECT count(DISTINCT s.month)
        FROM internal.response_registry AS r
        INNER JOIN internal.sealed_months AS s
            ON s.month = date_trunc('month', r.created_at, 'UTC')::date AND r.response_batch <= s.last_batch
        WHERE %(batch_id)s IN (r.response_batch, r.answers_batch, r.scores_batch, r.validations_batch)
    ) AS sealed_months
FROM internal.batches AS b
WHERE b.batch_id = %(batch_id)s
FOR UPDATE OF b
