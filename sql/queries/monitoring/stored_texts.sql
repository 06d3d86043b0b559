-- stored_texts: every distinct free text that came from outside, with the column that holds it.
-- Row: column_name, value; at most 100,000.
SELECT DISTINCT
    c.column_name,
    c.value
FROM analytics.anonymized_assessments AS a
CROSS JOIN LATERAL (
    VALUES
    ('anonymized_assessments.assessment_type', a.assessment_type),
    ('anonymized_assessments.instrument', a.instrument),
    ('anonymized_assessments.industry_category', a.industry_category)
) AS c (column_name, value)
UNION
SELECT
    'quarantine.value' AS column_name,
    q.value
FROM internal.quarantine AS q
WHERE q.value IS NOT NULL
LIMIT 100000
