-- rater_scores: the scores of one pair of AI raters for one trait, of responses started within a range.
-- Parameters: start, end (timestamptz or NULL, half-open), dimension, primary_model, secondary_model (text).
-- Row: primary_score, secondary_score.
SELECT
    v.primary_score,
    v.secondary_score
FROM internal.ai_validations AS v
WHERE (%(start)s::timestamptz IS NULL OR v.created_at >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR v.created_at < %(end)s)
    AND v.dimension = %(dimension)s::analytics.ocean_dimension
    AND v.primary_model = %(primary_model)s AND v.secondary_model = %(secondary_model)s
