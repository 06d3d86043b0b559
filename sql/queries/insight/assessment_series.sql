-- assessment_series: assessments set up, by period.
-- Parameters: by (text: day, week, month or quarter); start, end (timestamptz, half-open, NULL: no limit);
--             industry_category, org_size_category, region, assessment_type, instrument (text [] or NULL: all);
--             organizations, other_organizations (uuid [] or NULL).
-- Row: period (date, its first day), number of assessments; periods without any have no row.
SELECT
    date_trunc(%(by)s::text, a.created_at AT TIME ZONE 'UTC')::date AS period,
    count(*) AS n_assessments
FROM analytics.anonymized_assessments AS a
WHERE
    (%(start)s::timestamptz IS NULL OR a.created_at >= %(start)s::timestamptz)
    AND (%(end)s::timestamptz IS NULL OR a.created_at < %(end)s::timestamptz)
    AND (
        %(industry_category)s::text [] IS NULL
        OR a.industry_category = ANY(%(industry_category)s::text [])
    )
    AND (
        %(org_size_category)s::text [] IS NULL
        OR a.org_size_category = ANY(%(org_size_category)s::text [])
    )
    AND (%(region)s::text [] IS NULL OR a.region = ANY(%(region)s::text []))
    AND (%(assessment_type)s::text [] IS NULL OR a.assessment_type = ANY(%(assessment_type)s::text []))
    AND (%(instrument)s::text [] IS NULL OR a.instrument = ANY(%(instrument)s::text []))
    AND (%(organizations)s::uuid [] IS NULL OR a.org_hash = ANY(%(organizations)s::uuid []))
    AND (%(other_organizations)s::uuid [] IS NULL OR a.org_hash <> ALL(%(other_organizations)s::uuid []))
GROUP BY 1
ORDER BY 1
