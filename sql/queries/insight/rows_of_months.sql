-- rows_of_months: rows that the tables released by month hold of some months, of their days too.
-- Parameters: months (date [], first days).
-- Row: table_name, month, number.
SELECT
    'ocean_trait_distributions' AS table_name,
    m.start AS month,
    count(*) AS number
FROM unnest(%(months)s::date []) AS m (start)
INNER JOIN analytics.ocean_trait_distributions AS d
    ON m.start <= d.period_start AND m.start + INTERVAL '1 month' > d.period_start
GROUP BY m.start
UNION ALL
SELECT
    'benchmarking_data' AS table_name,
    b.period_start AS month,
    count(*) AS number
FROM analytics.benchmarking_data AS b
WHERE b.period_start = ANY(%(months)s::date [])
GROUP BY b.period_start
