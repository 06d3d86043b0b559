-- shown_validations: released agreement of the AI raters over some days, by trait and pair of models.
-- Parameters: start, end (date, half-open).
-- Row: dimension, primary_model, secondary_model, first_day, last_day, days, pairs, bias,
--      mean_absolute_difference, agreement_rate; figures are means of the days, weighted by their pairs.
SELECT
    v.dimension::text AS dimension,
    v.primary_model,
    v.secondary_model,
    min(v.metric_date) AS first_day,
    max(v.metric_date) AS last_day,
    count(*) AS days,
    sum(v.n)::bigint AS pairs,
    sum(v.n * v.bias) / sum(v.n) AS bias,
    sum(v.n * v.mean_absolute_difference) / sum(v.n) AS mean_absolute_difference,
    sum(v.n * v.agreement_rate) / sum(v.n) AS agreement_rate
FROM analytics.dual_ai_validation_metrics AS v
WHERE v.metric_date >= %(start)s AND v.metric_date < %(end)s AND v.n IS NOT NULL
GROUP BY v.dimension, v.primary_model, v.secondary_model
ORDER BY v.dimension, v.primary_model, v.secondary_model
