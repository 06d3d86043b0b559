-- rater_pairs: which pairs of AI raters scored which trait, of responses started within a range.
-- Parameters: start, end (timestamptz or NULL, half-open).
-- Row: dimension, primary_model, secondary_model, n (responses that both scored).
SELECT
    v.dimension::text AS dimension,
    v.primary_model,
    v.secondary_model,
    count(*) AS n
FROM internal.ai_validations AS v
WHERE (%(start)s::timestamptz IS NULL OR v.created_at >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR v.created_at < %(end)s)
GROUP BY v.dimension, v.primary_model, v.secondary_model
ORDER BY 1, 2, 3
