-- validation_pairs: the scores of both AI raters, of responses started within a range.
-- Parameters: start, end (timestamptz, half-open).
-- Row: dimension, primary_model, secondary_model, people, primary_scores, secondary_scores (double precision []).
SELECT
    v.dimension::text AS dimension,
    v.primary_model,
    v.secondary_model,
    -- A response whose source names no person is taken as a person of its own.
    count(DISTINCT coalesce(r.respondent_hash, v.response_hash)) AS people,
    array_agg(v.primary_score ORDER BY v.response_hash) AS primary_scores,
    array_agg(v.secondary_score ORDER BY v.response_hash) AS secondary_scores
FROM internal.ai_validations AS v
LEFT JOIN analytics.anonymized_assessment_responses AS r
    ON r.created_at = v.created_at AND r.id = v.response_hash
    AND r.created_at >= %(start)s AND r.created_at < %(end)s
WHERE v.created_at >= %(start)s AND v.created_at < %(end)s
GROUP BY v.dimension, v.primary_model, v.secondary_model
