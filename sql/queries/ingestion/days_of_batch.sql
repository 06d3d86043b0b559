-- days_of_batch: the UTC days on which a batch has rows.
-- Parameters: batch_id (bigint). Row: day (date).
SELECT DISTINCT (r.created_at AT TIME ZONE 'UTC')::date AS day
FROM internal.response_registry AS r
WHERE %(batch_id)s IN (r.response_batch, r.answers_batch, r.scores_batch, r.validations_batch)
ORDER BY day
