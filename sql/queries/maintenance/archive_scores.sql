-- archive_scores: the scores of the expired responses of a month, as ingestion takes them: percentiles
-- that norms filled in are not theirs.
-- Parameters: start, end (timestamptz, half-open), last_batch (bigint). Row: see records.tables.
SELECT s.response_hash, s.dimension, s.score, s.raw_score,
    CASE WHEN s.norm_version IS NULL THEN s.percentile END AS percentile, s.scoring_version
FROM analytics.anonymized_assessment_scores AS s
INNER JOIN analytics.anonymized_assessment_responses AS r ON r.created_at = s.created_at AND r.id = s.response_hash
WHERE s.created_at >= %(start)s AND s.created_at < %(end)s
    AND r.created_at >= %(start)s AND r.created_at < %(end)s AND r.batch_id <= %(last_batch)s
ORDER BY s.created_at, s.response_hash, s.dimension
