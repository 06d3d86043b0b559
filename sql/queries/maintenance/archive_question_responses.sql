-- archive_question_responses: the answers of the expired responses of a month, as ingestion takes them.
-- Parameters: start, end (timestamptz, half-open), last_batch (bigint). Row: see records.tables.
SELECT q.response_hash, c.code AS question_id, q.value, q.time_spent_ms
FROM analytics.anonymized_question_responses AS q
INNER JOIN analytics.anonymized_assessment_responses AS r ON r.created_at = q.created_at AND r.id = q.response_hash
INNER JOIN internal.questions AS c ON c.question_id = q.question_id
WHERE q.created_at >= %(start)s AND q.created_at < %(end)s
    AND r.created_at >= %(start)s AND r.created_at < %(end)s AND r.batch_id <= %(last_batch)s
ORDER BY q.created_at, q.response_hash, c.position
