-- smoke: one question that joins what analysts join; it must be answered, whatever the answer.
-- Row: dimension, n, mean; one per trait.
SELECT
    s.dimension::text AS dimension,
    count(*) AS n,
    avg(s.score) AS mean
FROM analytics.anonymized_assessment_scores AS s
INNER JOIN analytics.anonymized_assessment_responses AS r ON r.created_at = s.created_at AND r.id = s.response_hash
INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
GROUP BY s.dimension
ORDER BY s.dimension
