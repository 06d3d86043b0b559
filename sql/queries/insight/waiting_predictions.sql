-- waiting_predictions: predictions whose period has ended and that are not scored yet.
-- Parameters: targets (text[]), today (date).
-- Row: as the columns.
SELECT
    p.id,
    p.prediction_target,
    p.segment,
    lower(p.target_period) AS period_start,
    upper(p.target_period) AS period_end,
    p.prediction,
    p.interval_low,
    p.interval_high,
    p.interval_level,
    p.accuracy_metrics
FROM analytics.predictive_analytics_results AS p
WHERE
    p.scored_at IS NULL
    AND p.prediction_target = ANY(%(targets)s::text [])
    AND upper(p.target_period) <= %(today)s::date
    AND p.prediction IS NOT NULL
ORDER BY p.prediction_target, p.segment, p.id
