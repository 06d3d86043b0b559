-- months: every month that has responses. Row: month (date).
SELECT DISTINCT date_trunc('month', r.created_at, 'UTC')::date AS month
FROM analytics.anonymized_assessment_responses AS r
ORDER BY month
