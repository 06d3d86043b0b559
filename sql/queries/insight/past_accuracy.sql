-- past_accuracy: how predictions of one target over periods of one length turned out.
-- Parameters: target (text), models (text []; NULL: any), segment (jsonb),
-- shortest, longest (integer, days that the period has).
-- Row: predictions, mean_absolute_error, coverage, pinball_loss, brier (NULL: not scored by it),
-- first, last (date, newest and oldest end of their periods).
SELECT
    count(*) AS predictions,
    avg((p.accuracy_metrics -> 'score' ->> 'absolute_error')::double precision) AS mean_absolute_error,
    avg((p.accuracy_metrics -> 'score' ->> 'is_covered')::boolean::integer)::double precision AS coverage,
    avg((p.accuracy_metrics -> 'score' ->> 'pinball_loss')::double precision) AS pinball_loss,
    avg((p.accuracy_metrics -> 'score' ->> 'brier')::double precision) AS brier,
    min(upper(p.target_period)) AS first,
    max(upper(p.target_period)) AS last
FROM analytics.predictive_analytics_results AS p
WHERE
    p.prediction_target = %(target)s
    AND (%(models)s::text [] IS NULL OR p.model_name = ANY(%(models)s::text []))
    AND p.segment = %(segment)s::jsonb
    AND p.scored_at IS NOT NULL
    AND upper(p.target_period) - lower(p.target_period) BETWEEN %(shortest)s::integer AND %(longest)s::integer
