-- days_of_assessment: the UTC days on which an assessment has responses.
-- Parameters: id (uuid). Row: day (date).
SELECT DISTINCT (r.created_at AT TIME ZONE 'UTC')::date AS day
FROM analytics.anonymized_assessment_responses AS r
WHERE r.assessment_hash = %(id)s
