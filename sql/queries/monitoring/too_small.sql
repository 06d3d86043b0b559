-- too_small: released distributions, and those about fewer people than may be shown.
-- Parameters: minimum (bigint), start, end (date, half-open, or NULL for all). Row: cells, too_small.
SELECT
    count(*) AS cells,
    count(*) FILTER (
        WHERE
        d.sample_size < %(minimum)s
        OR (
            (d.sample_size IS NULL OR d.withheld_reason IS NOT NULL)
            AND num_nonnulls(
                d.sample_size, d.mean, d.std_dev, d.minimum, d.p05, d.p10, d.p25, d.p50, d.p75, d.p90,
                d.p95, d.maximum, d.skewness, d.kurtosis, d.histogram
            ) > 0
        )
    ) AS too_small
FROM analytics.ocean_trait_distributions AS d
WHERE
    (%(start)s::date IS NULL OR d.period_start >= %(start)s)
    AND (%(end)s::date IS NULL OR d.period_start < %(end)s)
