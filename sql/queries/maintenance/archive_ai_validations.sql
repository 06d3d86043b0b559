-- archive_ai_validations: the AI validations of the expired responses of a month, as ingestion takes them.
-- Parameters: start, end (timestamptz, half-open), last_batch (bigint). Row: see records.tables.
SELECT
    v.response_hash, v.dimension, v.primary_model, v.primary_score, v.secondary_model, v.secondary_score,
    v.primary_confidence, v.secondary_confidence, v.validated_at
FROM internal.ai_validations AS v
INNER JOIN analytics.anonymized_assessment_responses AS r ON r.created_at = v.created_at AND r.id = v.response_hash
WHERE v.created_at >= %(start)s AND v.created_at < %(end)s
    AND r.created_at >= %(start)s AND r.created_at < %(end)s AND r.batch_id <= %(last_batch)s
ORDER BY v.created_at, v.response_hash, v.dimension, v.primary_model, v.secondary_model
