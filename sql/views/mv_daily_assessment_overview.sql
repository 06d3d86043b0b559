-- Daily assessment summary, from the released metrics (never from rows or states).
CREATE MATERIALIZED VIEW analytics.mv_daily_assessment_overview AS
SELECT
    m.metric_date,
    m.assessments_created,
    m.responses_started,
    m.responses_completed,
    m.responses_abandoned,
    m.completion_rate,
    m.avg_time_spent_seconds,
    m.median_time_spent_seconds,
    m.organizations,
    m.respondents,
    m.device_breakdown,
    m.is_mature,
    m.withheld_reason
FROM analytics.daily_assessment_metrics AS m
WHERE m.industry_category = 'all' AND m.org_size_category = 'all' AND m.region = 'all';
COMMENT ON MATERIALIZED VIEW analytics.mv_daily_assessment_overview IS 'Daily assessment summary';
CREATE UNIQUE INDEX mv_daily_assessment_overview_key ON analytics.mv_daily_assessment_overview (metric_date);
