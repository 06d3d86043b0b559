-- shown_courses: what some released tables and views say about their last thirty periods, each in one
--      figure. Parameters: tables (text []). Row: table_name, at, value (double precision).
(
    SELECT
        'ocean_trait_distributions' AS table_name,
        d.period_start::timestamp AS at,
        max(d.sample_size)::double precision AS value
    FROM analytics.ocean_trait_distributions AS d
    WHERE
        'ocean_trait_distributions' = ANY(%(tables)s) AND d.grain = 'month' AND d.instrument = 'all'
        AND d.industry_category = 'all' AND d.org_size_category = 'all' AND d.region = 'all'
        AND d.age_band = 'all' AND d.gender = 'all' AND d.device_type = 'all'
        AND d.assessment_type = 'all'
    GROUP BY d.period_start
    ORDER BY d.period_start DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'mv_monthly_ocean_distributions' AS table_name,
        d.period_start::timestamp AS at,
        max(d.sample_size)::double precision AS value
    FROM analytics.mv_monthly_ocean_distributions AS d
    WHERE
        'mv_monthly_ocean_distributions' = ANY(%(tables)s) AND d.instrument = 'all'
        AND d.industry_category = 'all' AND d.org_size_category = 'all' AND d.region = 'all'
        AND d.age_band = 'all' AND d.gender = 'all' AND d.device_type = 'all'
        AND d.assessment_type = 'all'
    GROUP BY d.period_start
    ORDER BY d.period_start DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'benchmarking_data' AS table_name,
        b.period_start::timestamp AS at,
        max(b.organizations)::double precision AS value
    FROM analytics.benchmarking_data AS b
    WHERE 'benchmarking_data' = ANY(%(tables)s) AND b.peer_level = 'all'
    GROUP BY b.period_start
    ORDER BY b.period_start DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'mv_industry_benchmarks' AS table_name,
        b.period_start::timestamp AS at,
        max(b.organizations)::double precision AS value
    FROM analytics.mv_industry_benchmarks AS b
    WHERE 'mv_industry_benchmarks' = ANY(%(tables)s) AND b.industry_category = 'all'
    GROUP BY b.period_start
    ORDER BY b.period_start DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'daily_assessment_metrics' AS table_name,
        m.metric_date::timestamp AS at,
        m.responses_started::double precision AS value
    FROM analytics.daily_assessment_metrics AS m
    WHERE
        'daily_assessment_metrics' = ANY(%(tables)s) AND m.industry_category = 'all'
        AND m.org_size_category = 'all' AND m.region = 'all' AND m.responses_started IS NOT NULL
    ORDER BY m.metric_date DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'mv_daily_assessment_overview' AS table_name,
        m.metric_date::timestamp AS at,
        m.responses_started::double precision AS value
    FROM analytics.mv_daily_assessment_overview AS m
    WHERE 'mv_daily_assessment_overview' = ANY(%(tables)s) AND m.responses_started IS NOT NULL
    ORDER BY m.metric_date DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'mv_weekly_response_metrics' AS table_name,
        w.week_start::timestamp AS at,
        w.responses_started::double precision AS value
    FROM analytics.mv_weekly_response_metrics AS w
    WHERE
        'mv_weekly_response_metrics' = ANY(%(tables)s) AND w.industry_category = 'all'
        AND w.responses_started IS NOT NULL
    ORDER BY w.week_start DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'dual_ai_validation_metrics' AS table_name,
        v.metric_date::timestamp AS at,
        sum(v.agreement_rate * v.n) / sum(v.n) AS value
    FROM analytics.dual_ai_validation_metrics AS v
    WHERE 'dual_ai_validation_metrics' = ANY(%(tables)s) AND v.agreement_rate IS NOT NULL
    GROUP BY v.metric_date
    ORDER BY v.metric_date DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'predictive_analytics_results' AS table_name,
        date_trunc('day', p.issued_at AT TIME ZONE 'UTC') AS at,
        count(*)::double precision AS value
    FROM analytics.predictive_analytics_results AS p
    WHERE 'predictive_analytics_results' = ANY(%(tables)s)
    GROUP BY 2
    ORDER BY 2 DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'system_health_metrics' AS table_name,
        h.measured_at AT TIME ZONE 'UTC' AS at,
        count(*) FILTER (WHERE h.status IN ('degraded', 'unhealthy'))::double precision AS value
    FROM analytics.system_health_metrics AS h
    WHERE
        'system_health_metrics' = ANY(%(tables)s)
        AND h.measured_at > (SELECT max(x.measured_at) FROM analytics.system_health_metrics AS x)
        - INTERVAL '1 day'
    GROUP BY h.measured_at
    ORDER BY h.measured_at DESC LIMIT 30
)
UNION ALL
(
    SELECT
        'mv_system_performance_dashboard' AS table_name,
        s.hour AT TIME ZONE 'UTC' AS at,
        sum(s.unhealthy_samples)::double precision AS value
    FROM analytics.mv_system_performance_dashboard AS s
    WHERE 'mv_system_performance_dashboard' = ANY(%(tables)s)
    GROUP BY s.hour
    ORDER BY s.hour DESC LIMIT 30
)
ORDER BY table_name, at
