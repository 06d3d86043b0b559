-- shown_days: released metrics of everybody, by day.
-- Parameters: start, end (date, half-open).
-- Row: metric_date, responses_started, responses_completed, completion_rate, median_time_spent_seconds.
SELECT
    m.metric_date,
    m.responses_started,
    m.responses_completed,
    m.completion_rate,
    m.median_time_spent_seconds
FROM analytics.daily_assessment_metrics AS m
WHERE
    m.metric_date >= %(start)s AND m.metric_date < %(end)s AND m.industry_category = 'all'
    AND m.org_size_category = 'all' AND m.region = 'all' AND m.responses_started IS NOT NULL
ORDER BY m.metric_date
