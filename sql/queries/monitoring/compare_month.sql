-- compare_month: what was released for a month as a whole beside the same figures counted from rows.
-- Parameters: month (date), start, end (timestamptz, half-open). Row: one per trait.
WITH raw AS (
    SELECT
        s.dimension,
        count(*) AS sample_size,
        count(DISTINCT coalesce(r.respondent_hash, r.id)) AS people,
        avg(s.score) AS mean,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY s.score) AS median,
        min(s.score) AS minimum,
        max(s.score) AS maximum
    FROM analytics.anonymized_assessment_scores AS s
    INNER JOIN analytics.anonymized_assessment_responses AS r
        ON r.created_at = s.created_at AND r.id = s.response_hash
    WHERE s.created_at >= %(start)s AND s.created_at < %(end)s
        AND r.created_at >= %(start)s AND r.created_at < %(end)s
    GROUP BY s.dimension
),

released AS (
    SELECT d.dimension, d.sample_size, d.mean, d.p50 AS median, d.minimum, d.maximum, d.withheld_reason
    FROM analytics.ocean_trait_distributions AS d
    WHERE
        d.grain = 'month' AND d.period_start = %(month)s AND d.instrument = 'all'
        AND d.industry_category = 'all' AND d.org_size_category = 'all' AND d.region = 'all'
        AND d.age_band = 'all' AND d.gender = 'all' AND d.device_type = 'all'
        AND d.assessment_type = 'all'
)

SELECT
    coalesce(r.dimension, l.dimension)::text AS dimension,
    coalesce(r.people, 0) AS people,
    coalesce(r.sample_size, 0) AS raw_sample_size,
    l.sample_size AS released_sample_size,
    r.mean AS raw_mean,
    l.mean AS released_mean,
    r.median AS raw_median,
    l.median AS released_median,
    r.minimum AS raw_minimum,
    l.minimum AS released_minimum,
    r.maximum AS raw_maximum,
    l.maximum AS released_maximum,
    l.withheld_reason IS NOT NULL AS is_withheld
FROM raw AS r
FULL JOIN released AS l ON l.dimension = r.dimension
ORDER BY 1
