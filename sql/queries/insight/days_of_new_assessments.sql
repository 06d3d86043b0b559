-- days_of_new_assessments: days whose released metrics do not know the assessments set up on them.
-- Parameters: none. Months whose rows are gone are left alone.
-- Row: day.
SELECT stale.day
FROM (
    SELECT c.day
    FROM (
        SELECT
            (created_at AT TIME ZONE 'UTC')::date AS day,
            CASE WHEN grouping(industry_category) = 0 THEN industry_category ELSE 'all' END AS industry_category,
            CASE WHEN grouping(org_size_category) = 0 THEN org_size_category ELSE 'all' END AS org_size_category,
            CASE WHEN grouping(region) = 0 THEN region ELSE 'all' END AS region,
            count(*) AS created
        FROM analytics.anonymized_assessments
        GROUP BY (created_at AT TIME ZONE 'UTC')::date, CUBE (industry_category, org_size_category, region)
    ) AS c
    LEFT JOIN analytics.daily_assessment_metrics AS m
        ON m.metric_date = c.day
            AND m.industry_category = c.industry_category
            AND m.org_size_category = c.org_size_category
            AND m.region = c.region
    WHERE m.metric_date IS NULL OR m.assessments_created <> c.created
    UNION
    -- All of a day were taken out again.
    SELECT m.metric_date AS day
    FROM analytics.daily_assessment_metrics AS m
    WHERE m.industry_category = 'all' AND m.org_size_category = 'all' AND m.region = 'all'
        AND m.assessments_created > 0
        AND NOT EXISTS (
            SELECT 1 FROM analytics.anonymized_assessments AS a
            WHERE a.created_at >= m.metric_date::timestamp AT TIME ZONE 'UTC'
                AND a.created_at < (m.metric_date + 1)::timestamp AT TIME ZONE 'UTC'
        )
) AS stale
WHERE NOT EXISTS (
    SELECT 1 FROM internal.sealed_months AS s WHERE s.month = date_trunc('month', stale.day)::date
)
ORDER BY stale.day
