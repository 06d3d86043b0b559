-- too_small: released cells of every table and view, and those about fewer people than may be shown: by the
--            people or cases that stand in them, or because a withheld row has figures all the same.
-- Parameters: minimum (bigint), start, end (date, half-open; NULL for all). With a period views are left out: they
-- follow their tables. Row: table_name, cells, too_small.
WITH cells AS (
    SELECT
        'ocean_trait_distributions' AS table_name,
        d.period_start::date AS period,
        d.sample_size AS number,
        d.withheld_reason IS NOT NULL AS is_withheld,
        num_nonnulls(
            d.sample_size, d.mean, d.std_dev, d.minimum, d.p05, d.p10, d.p25, d.p50, d.p75, d.p90, d.p95,
            d.maximum, d.skewness, d.kurtosis, d.histogram
        ) AS figures
    FROM analytics.ocean_trait_distributions AS d
    UNION ALL
    SELECT
        'mv_monthly_ocean_distributions' AS table_name,
        NULL::date AS period,
        d.sample_size AS number,
        d.withheld_reason IS NOT NULL AS is_withheld,
        num_nonnulls(
            d.sample_size, d.mean, d.std_dev, d.minimum, d.p05, d.p10, d.p25, d.p50, d.p75, d.p90, d.p95,
            d.maximum, d.skewness, d.kurtosis, d.histogram
        ) AS figures
    FROM analytics.mv_monthly_ocean_distributions AS d
    UNION ALL
    SELECT
        'daily_assessment_metrics' AS table_name,
        m.metric_date::date AS period,
        m.respondents AS number,
        m.withheld_reason IS NOT NULL AS is_withheld,
        num_nonnulls(
            m.assessments_created, m.responses_started, m.responses_completed, m.responses_abandoned,
            m.completion_rate, m.avg_time_spent_seconds, m.median_time_spent_seconds, m.organizations,
            m.respondents, m.device_breakdown
        ) AS figures
    FROM analytics.daily_assessment_metrics AS m
    UNION ALL
    SELECT
        'mv_daily_assessment_overview' AS table_name,
        NULL::date AS period,
        m.respondents AS number,
        m.withheld_reason IS NOT NULL AS is_withheld,
        num_nonnulls(
            m.assessments_created, m.responses_started, m.responses_completed, m.responses_abandoned,
            m.completion_rate, m.avg_time_spent_seconds, m.median_time_spent_seconds, m.organizations,
            m.respondents, m.device_breakdown
        ) AS figures
    FROM analytics.mv_daily_assessment_overview AS m
    UNION ALL
    SELECT
        'mv_weekly_response_metrics' AS table_name,
        NULL::date AS period,
        w.responses_started AS number,
        w.withheld_reason IS NOT NULL AS is_withheld,
        num_nonnulls(
            w.responses_started, w.responses_completed, w.responses_abandoned, w.completion_rate
        ) AS figures
    FROM analytics.mv_weekly_response_metrics AS w
    UNION ALL
    SELECT
        'benchmarking_data' AS table_name,
        b.period_start::date AS period,
        b.sample_size AS number,
        -- With few organizations their tails alone are withheld: then the row has a number and a reason.
        b.sample_size IS NULL OR (b.withheld_reason IS NOT NULL AND num_nonnulls(b.p10, b.p90) > 0) AS is_withheld,
        num_nonnulls(
            b.organizations, b.sample_size, b.mean, b.p10, b.p25, b.p50, b.p75, b.p90, b.between_sd,
            b.within_sd, b.largest_share
        ) AS figures
    FROM analytics.benchmarking_data AS b
    UNION ALL
    SELECT
        'mv_industry_benchmarks' AS table_name,
        NULL::date AS period,
        b.sample_size AS number,
        b.sample_size IS NULL OR (b.withheld_reason IS NOT NULL AND num_nonnulls(b.p10, b.p90) > 0) AS is_withheld,
        num_nonnulls(
            b.organizations, b.sample_size, b.mean, b.p10, b.p25, b.p50, b.p75, b.p90, b.between_sd,
            b.within_sd
        ) AS figures
    FROM analytics.mv_industry_benchmarks AS b
    UNION ALL
    SELECT
        'dual_ai_validation_metrics' AS table_name,
        v.metric_date::date AS period,
        v.n AS number,
        v.withheld_reason IS NOT NULL AS is_withheld,
        num_nonnulls(
            v.n, v.bias, v.mean_absolute_difference, v.limits_of_agreement_low, v.limits_of_agreement_high,
            v.icc, v.icc_low, v.icc_high, v.weighted_kappa, v.weighted_kappa_low, v.weighted_kappa_high,
            v.agreement_rate, v.agreement_rate_low, v.agreement_rate_high, v.disagreements
        ) AS figures
    FROM analytics.dual_ai_validation_metrics AS v
)

SELECT
    c.table_name,
    count(*) AS cells,
    count(*) FILTER (
        WHERE c.number < %(minimum)s OR ((c.number IS NULL OR c.is_withheld) AND c.figures > 0)
    ) AS too_small
FROM cells AS c
WHERE %(start)s::date IS NULL OR (c.period >= %(start)s AND c.period < %(end)s)
GROUP BY c.table_name
ORDER BY c.table_name
