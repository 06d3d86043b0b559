-- rows_of_days: rows that the tables released by day hold of some days.
-- Parameters: days (date []).
-- Row: table_name, day, number.
SELECT
    'daily_assessment_metrics' AS table_name,
    m.metric_date AS day,
    count(*) AS number
FROM analytics.daily_assessment_metrics AS m
WHERE m.metric_date = ANY(%(days)s)
GROUP BY m.metric_date
UNION ALL
SELECT
    'dual_ai_validation_metrics' AS table_name,
    v.metric_date AS day,
    count(*) AS number
FROM analytics.dual_ai_validation_metrics AS v
WHERE v.metric_date = ANY(%(days)s)
GROUP BY v.metric_date
UNION ALL
SELECT
    'ocean_trait_distributions' AS table_name,
    d.period_start AS day,
    count(*) AS number
FROM analytics.ocean_trait_distributions AS d
WHERE d.grain = 'day' AND d.period_start = ANY(%(days)s)
GROUP BY d.period_start
