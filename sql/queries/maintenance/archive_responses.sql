-- archive_responses: the expired responses of a month, as ingestion takes them.
-- Parameters: start, end (timestamptz, half-open), last_batch (bigint). Row: see records.tables.
SELECT
    r.id, r.assessment_hash, r.respondent_hash, r.region, r.age_band, r.gender, r.device_type, r.status,
    r.completion_percentage, r.time_spent_seconds, r.created_at, r.completed_at, r.updated_at
FROM analytics.anonymized_assessment_responses AS r
WHERE r.created_at >= %(start)s AND r.created_at < %(end)s AND r.batch_id <= %(last_batch)s
ORDER BY r.created_at, r.id
