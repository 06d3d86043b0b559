-- rater_scores: the scores of some pairs of AI raters, of responses started within a range and up to a
-- pseudonym, which draws a sample: pseudonyms are evenly spread.
-- Parameters: start, end (timestamptz or NULL, half-open), dimensions, primary_models, secondary_models
--      (text [], one of each per pair), last_ids (uuid [], the last pseudonym of each pair's sample).
-- Row: pair (1 for the first), primary_score, secondary_score.
SELECT
    p.pair,
    v.primary_score,
    v.secondary_score
FROM internal.ai_validations AS v
INNER JOIN
    unnest(
        %(dimensions)s::analytics.ocean_dimension [], %(primary_models)s::text [],
        %(secondary_models)s::text [], %(last_ids)s::uuid []
    ) WITH ORDINALITY AS p (dimension, primary_model, secondary_model, last_id, pair)
    ON p.dimension = v.dimension AND p.primary_model = v.primary_model
        AND p.secondary_model = v.secondary_model AND v.response_hash <= p.last_id
WHERE (%(start)s::timestamptz IS NULL OR v.created_at >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR v.created_at < %(end)s)
