-- past_accuracy: how predictions of one target over periods of one length turned out: by model and
-- by how far ahead they looked, and all together.
-- Parameters: target (text), models (text []; NULL: any), segment (jsonb),
-- shortest, longest (integer, days that the period has),
-- bands (double precision [], ascending days ahead that end a band).
-- Row: is_total, model, band (place in the bands, from 0; NULL: not known), predictions,
-- mean_absolute_error, coverage, pinball_loss, brier (NULL: not scored by it), first, last (date,
-- newest and oldest end of their periods).
SELECT
    grouping(p.model_name, p.band) = 3 AS is_total,
    p.model_name AS model,
    p.band,
    count(*) AS predictions,
    avg((p.score ->> 'absolute_error')::double precision) AS mean_absolute_error,
    avg((p.score ->> 'is_covered')::boolean::integer)::double precision AS coverage,
    avg((p.score ->> 'pinball_loss')::double precision) AS pinball_loss,
    avg((p.score ->> 'brier')::double precision) AS brier,
    min(p.period_end) AS first,
    max(p.period_end) AS last
FROM (
    SELECT
        r.model_name,
        r.accuracy_metrics -> 'score' AS score,
        upper(r.target_period) AS period_end,
        CASE
            WHEN r.horizon IS NOT NULL THEN (
                SELECT count(*) FROM unnest(%(bands)s::double precision []) AS b (days)
                WHERE b.days < extract(EPOCH FROM r.horizon) / 86400
            )
        END AS band
    FROM analytics.predictive_analytics_results AS r
    WHERE
        r.prediction_target = %(target)s
        AND (%(models)s::text [] IS NULL OR r.model_name = ANY(%(models)s::text []))
        AND r.segment = %(segment)s::jsonb
        AND r.scored_at IS NOT NULL
        AND upper(r.target_period) - lower(r.target_period) BETWEEN %(shortest)s::integer AND %(longest)s::integer
) AS p
GROUP BY GROUPING SETS ((), (p.model_name, p.band))
ORDER BY is_total DESC, model, band
