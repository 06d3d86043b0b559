-- store_prediction: stores one prediction.
-- Parameters: prediction (jsonb: the columns of predictive_analytics_results that are given; times as ISO text).
-- Row: id.
INSERT INTO analytics.predictive_analytics_results (
    model_name, model_version, prediction_target, segment, issued_at, target_period, horizon,
    prediction, interval_low, interval_high, interval_level, accuracy_metrics,
    data_version
)
SELECT
    p.model_name,
    p.model_version,
    p.prediction_target,
    coalesce(p.segment, '{}'),
    coalesce(p.issued_at, now()),
    p.target_period,
    p.horizon,
    p.prediction,
    p.interval_low,
    p.interval_high,
    p.interval_level,
    p.accuracy_metrics,
    p.data_version
FROM jsonb_populate_record(NULL::analytics.predictive_analytics_results, %(prediction)s::jsonb) AS p
RETURNING id
