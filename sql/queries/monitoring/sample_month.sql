-- sample_month: the newest released month that is neither touched nor sealed: rows and figures must agree.
-- Row: month (date); none: there is no such month.
SELECT d.period_start AS month
FROM analytics.ocean_trait_distributions AS d
WHERE
    d.grain = 'month'
    AND NOT EXISTS (
        SELECT 1 FROM internal.touched_days AS t
        WHERE t.day >= d.period_start AND t.day < d.period_end
    )
    AND NOT EXISTS (SELECT 1 FROM internal.sealed_months AS s WHERE s.month = d.period_start)
ORDER BY d.period_start DESC
LIMIT 1
