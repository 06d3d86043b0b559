-- forget_daily: deletes the released metrics of a run of days.
-- Parameters: first, last (date; the last one itself stays).
DELETE FROM analytics.daily_assessment_metrics
WHERE metric_date >= %(first)s AND metric_date < %(last)s
