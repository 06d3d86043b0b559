-- newest_start: when the newest response was started, and the oldest.
-- Row: newest, oldest (timestamptz, NULL without any).
SELECT
    max(r.created_at) AS newest,
    min(r.created_at) AS oldest
FROM analytics.anonymized_assessment_responses AS r
