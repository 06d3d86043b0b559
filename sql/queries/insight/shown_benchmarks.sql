-- shown_benchmarks: released benchmarks of the newest month of a range that has any: of every
--                   industry, and of all, whatever the size of the organizations.
-- Parameters: start, end (date, half-open).
-- Row: period_start, metric, industry_category, organizations, sample_size, p10, p25, p50, p75, p90.
SELECT
    b.period_start,
    b.metric,
    b.industry_category,
    b.organizations,
    b.sample_size,
    b.p10,
    b.p25,
    b.p50,
    b.p75,
    b.p90
FROM analytics.benchmarking_data AS b
WHERE
    b.org_size_category = 'all' AND b.p50 IS NOT NULL
    AND b.period_start = (
        SELECT max(x.period_start) FROM analytics.benchmarking_data AS x
        WHERE
            x.period_start >= %(start)s AND x.period_start < %(end)s
            AND x.org_size_category = 'all' AND x.p50 IS NOT NULL
    )
ORDER BY b.metric, b.industry_category
