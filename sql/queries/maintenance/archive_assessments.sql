-- archive_assessments: the assessments that the expired responses of a month belong to, as ingestion takes them.
-- Parameters: start, end (timestamptz, half-open), last_batch (bigint). Row: see records.tables.
SELECT
    a.id, a.org_hash, a.industry_category, a.org_size_category, a.region, a.assessment_type, a.instrument,
    a.status, a.question_count, a.created_at, a.published_at, a.updated_at
FROM analytics.anonymized_assessments AS a
WHERE a.id IN (
    SELECT r.assessment_hash
    FROM analytics.anonymized_assessment_responses AS r
    WHERE r.created_at >= %(start)s AND r.created_at < %(end)s AND r.batch_id <= %(last_batch)s
)
ORDER BY a.id
