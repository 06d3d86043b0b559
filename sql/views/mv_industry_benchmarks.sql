-- Industry performance benchmarks, from the released benchmarking data.
CREATE MATERIALIZED VIEW analytics.mv_industry_benchmarks AS
SELECT
    b.period_start,
    b.industry_category,
    b.metric,
    b.organizations,
    b.sample_size,
    b.immature,
    b.mean,
    b.p10,
    b.p25,
    b.p50,
    b.p75,
    b.p90,
    b.between_sd,
    b.within_sd,
    b.withheld_reason
FROM analytics.benchmarking_data AS b
WHERE b.org_size_category = 'all';
COMMENT ON MATERIALIZED VIEW analytics.mv_industry_benchmarks IS 'Industry performance benchmarks by month';
CREATE UNIQUE INDEX mv_industry_benchmarks_key ON analytics.mv_industry_benchmarks (period_start, industry_category, metric);
