-- ripe_months: months with released days that have become mature since they were released.
-- Parameters: mature_before (date, days before it are mature). Row: month (date).
SELECT DISTINCT date_trunc('month', m.metric_date::timestamp)::date AS month
FROM analytics.daily_assessment_metrics AS m
WHERE NOT m.is_mature AND m.metric_date < %(mature_before)s
ORDER BY month
