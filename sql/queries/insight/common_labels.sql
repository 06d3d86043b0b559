-- common_labels: which of some open labels enough people have used in a period.
-- Parameters: start, end (timestamptz, half-open), instruments, types (text []), minimum_people (integer).
-- Row: column_name (instrument or assessment_type), label.
SELECT
    v.column_name,
    v.label
FROM analytics.anonymized_assessment_responses AS r
INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
CROSS JOIN LATERAL (
    VALUES ('instrument', a.instrument), ('assessment_type', a.assessment_type)
) AS v (column_name, label)
WHERE r.created_at >= %(start)s AND r.created_at < %(end)s
    AND v.label = ANY(CASE v.column_name WHEN 'instrument' THEN %(instruments)s::text [] ELSE %(types)s::text [] END)
GROUP BY v.column_name, v.label
-- A response whose source names no person is taken as a person of its own.
HAVING count(DISTINCT coalesce(r.respondent_hash, r.id)) >= %(minimum_people)s
