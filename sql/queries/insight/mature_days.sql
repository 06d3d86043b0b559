-- mature_days: marks the released days that have become mature since they were released.
-- Parameters: mature_before (date, days before it are mature).
UPDATE analytics.daily_assessment_metrics AS m
SET is_mature = TRUE
FROM (
    SELECT
        d.metric_date,
        d.industry_category,
        d.org_size_category,
        d.region
    FROM analytics.daily_assessment_metrics AS d
    WHERE NOT d.is_mature AND d.metric_date < %(mature_before)s
    -- What is locked is being released again, and matures with that.
    FOR UPDATE SKIP LOCKED
) AS ripe
WHERE m.metric_date = ripe.metric_date
    AND m.industry_category = ripe.industry_category
    AND m.org_size_category = ripe.org_size_category
    AND m.region = ripe.region
