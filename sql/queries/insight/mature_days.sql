-- mature_days: marks the released days that have become mature since they were released.
-- Parameters: mature_before (date, days before it are mature).
-- Row: month (date) with such days, whose rows are not gone.
WITH marked AS (
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
    RETURNING m.metric_date
)

SELECT DISTINCT date_trunc('month', k.metric_date)::date AS month
FROM marked AS k
WHERE NOT EXISTS (
    SELECT 1 FROM internal.sealed_months AS m
    WHERE m.month = date_trunc('month', k.metric_date)::date
)
ORDER BY 1
