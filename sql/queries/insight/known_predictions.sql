-- known_predictions: the periods that a model has predicted already from the same data.
-- Parameters: model, version, target, data_version (text), segment (jsonb).
-- Row: period_start, period_end (date, half-open).
SELECT
    lower(p.target_period) AS period_start,
    upper(p.target_period) AS period_end
FROM analytics.predictive_analytics_results AS p
WHERE
    p.model_name = %(model)s
    AND p.model_version = %(version)s
    AND p.prediction_target = %(target)s
    AND p.data_version = %(data_version)s
    AND p.segment = %(segment)s::jsonb
    AND p.target_period IS NOT NULL
