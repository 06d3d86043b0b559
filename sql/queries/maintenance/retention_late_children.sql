-- retention_late_children: months with responses whose answers, scores or validations arrived later, and
-- have not expired: a response goes with all that belongs to it.
-- Parameters: end (timestamptz, first moment not looked at), last_batch (bigint).
-- Row: month (date), last_batch (bigint, newest batch before the first of them).
SELECT
    date_trunc('month', r.created_at, 'UTC')::date AS month,
    min(r.response_batch) - 1 AS last_batch
FROM internal.response_registry AS r
WHERE r.created_at < %(end)s AND r.response_batch <= %(last_batch)s
    AND greatest(r.answers_batch, r.scores_batch, r.validations_batch) > %(last_batch)s
GROUP BY 1
