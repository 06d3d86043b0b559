-- days_of_batch: the UTC days on which a batch has responses; of one without any, those on which its
-- assessments were set up.
-- Parameters: batch_id (bigint). Row: day (date).
WITH answered AS (
    SELECT DISTINCT (r.created_at AT TIME ZONE 'UTC')::date AS day
    FROM internal.response_registry AS r
    WHERE %(batch_id)s IN (r.response_batch, r.answers_batch, r.scores_batch, r.validations_batch)
)

SELECT w.day
FROM answered AS w
UNION
SELECT (a.created_at AT TIME ZONE 'UTC')::date AS day
FROM analytics.anonymized_assessments AS a
WHERE a.batch_id = %(batch_id)s AND NOT EXISTS (SELECT 1 FROM answered)
ORDER BY day
