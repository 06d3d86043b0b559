-- mature_days: marks the released days of a month that have become mature since they were released.
-- Parameters: month, end (date, half-open), mature_before (date, days before it are mature).
-- Row: none.
UPDATE analytics.daily_assessment_metrics AS m
SET is_mature = TRUE
WHERE NOT m.is_mature
    AND m.metric_date >= %(month)s AND m.metric_date < %(end)s
    AND m.metric_date < %(mature_before)s
