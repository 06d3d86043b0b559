-- score_prediction: what came, and how far the prediction was from it; a scored one stays as it is.
-- Parameters: id (bigint), actual (double precision, in the unit of the target), score (jsonb).
UPDATE analytics.predictive_analytics_results AS p
SET
    actual = %(actual)s,
    scored_at = now(),
    accuracy_metrics
    = CASE WHEN jsonb_typeof(p.accuracy_metrics) = 'object' THEN p.accuracy_metrics ELSE '{}' END
    || jsonb_build_object('score', %(score)s::jsonb)
WHERE p.id = %(id)s AND p.scored_at IS NULL
