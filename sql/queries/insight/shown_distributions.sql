-- shown_distributions: released distributions of everybody, by month.
-- Parameters: start, end (date, half-open).
-- Row: period_start, dimension, sample_size, mean, std_dev, p05, p25, p50, p75, p95, histogram.
SELECT
    d.period_start,
    d.dimension::text AS dimension,
    d.sample_size,
    d.mean,
    d.std_dev,
    d.p05,
    d.p25,
    d.p50,
    d.p75,
    d.p95,
    d.histogram
FROM analytics.ocean_trait_distributions AS d
WHERE
    d.grain = 'month' AND d.period_start >= %(start)s AND d.period_start < %(end)s
    AND d.instrument = 'all' AND d.industry_category = 'all' AND d.org_size_category = 'all'
    AND d.region = 'all' AND d.age_band = 'all' AND d.gender = 'all' AND d.device_type = 'all'
    AND d.assessment_type = 'all' AND d.sample_size IS NOT NULL
ORDER BY d.period_start, d.dimension
