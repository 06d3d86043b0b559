-- stored_responses: responses that one batch left in the table, looked for in a period.
-- Parameters: batch_id (bigint), start, end (timestamptz, half-open). Row: responses.
SELECT count(*) AS responses
FROM analytics.anonymized_assessment_responses AS r
WHERE r.batch_id = %(batch_id)s AND r.created_at >= %(start)s AND r.created_at < %(end)s
