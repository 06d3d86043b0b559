-- Monthly OCEAN statistics, from the released distributions.
CREATE MATERIALIZED VIEW analytics.mv_monthly_ocean_distributions AS
SELECT
    d.period_start,
    d.period_end,
    d.instrument,
    d.industry_category,
    d.org_size_category,
    d.region,
    d.age_band,
    d.gender,
    d.device_type,
    d.assessment_type,
    d.dimension,
    d.sample_size,
    d.mean,
    d.std_dev,
    d.minimum,
    d.p05,
    d.p10,
    d.p25,
    d.p50,
    d.p75,
    d.p90,
    d.p95,
    d.maximum,
    d.skewness,
    d.kurtosis,
    d.histogram,
    d.withheld_reason
FROM analytics.ocean_trait_distributions AS d
WHERE d.grain = 'month';
COMMENT ON MATERIALIZED VIEW analytics.mv_monthly_ocean_distributions IS 'Monthly OCEAN statistics by cell';
CREATE UNIQUE INDEX mv_monthly_ocean_distributions_key ON analytics.mv_monthly_ocean_distributions (
    period_start, instrument, industry_category, org_size_category, region,
    age_band, gender, device_type, assessment_type, dimension
);
