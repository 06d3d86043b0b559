-- validation_pairs: the scores of both AI raters, of responses started within a range.
-- Parameters: start, end (timestamptz, half-open).
-- Row: dimension, primary_model, secondary_model, primary_scores, secondary_scores (double precision []).
SELECT
    v.dimension::text AS dimension,
    v.primary_model,
    v.secondary_model,
    array_agg(v.primary_score ORDER BY v.response_hash) AS primary_scores,
    array_agg(v.secondary_score ORDER BY v.response_hash) AS secondary_scores
FROM internal.ai_validations AS v
WHERE v.created_at >= %(start)s AND v.created_at < %(end)s
GROUP BY v.dimension, v.primary_model, v.secondary_model
