-- Weekly response patterns (weeks start on Monday), from the released metrics. A figure that needs a
-- withheld day is withheld too, so that a week does not show what its days hide.
CREATE MATERIALIZED VIEW analytics.mv_weekly_response_metrics AS
SELECT
    date_trunc('week', m.metric_date::timestamp)::date AS week_start,
    m.industry_category,
    count(*) AS days,
    CASE WHEN bool_or(m.withheld_reason IS NOT NULL) THEN NULL ELSE sum(m.responses_started) END AS responses_started,
    CASE WHEN bool_or(m.withheld_reason IS NOT NULL) THEN NULL ELSE sum(m.responses_completed) END AS responses_completed,
    CASE WHEN bool_or(m.withheld_reason IS NOT NULL) THEN NULL ELSE sum(m.responses_abandoned) END AS responses_abandoned,
    CASE
        WHEN bool_or(m.withheld_reason IS NOT NULL) THEN NULL
        ELSE sum(m.responses_completed)::double precision / nullif(sum(m.responses_started), 0)
    END AS completion_rate,
    bool_and(m.is_mature) AS is_mature,
    CASE WHEN bool_or(m.withheld_reason IS NOT NULL) THEN 'a day of the week is withheld' END AS withheld_reason
FROM analytics.daily_assessment_metrics AS m
WHERE m.org_size_category = 'all' AND m.region = 'all'
GROUP BY date_trunc('week', m.metric_date::timestamp)::date, m.industry_category;
COMMENT ON MATERIALIZED VIEW analytics.mv_weekly_response_metrics IS 'Weekly response patterns by industry';
CREATE UNIQUE INDEX mv_weekly_response_metrics_key ON analytics.mv_weekly_response_metrics (week_start, industry_category);
