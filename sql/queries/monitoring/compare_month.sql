-- compare_month: what was released for a month beside the same figures counted from rows: the month as a
-- whole, and split by each dimension of closed words that is released by itself, and by age and gender.
-- Parameters: month (date), start, end (timestamptz, half-open). Row: one per cell and trait; medians of
-- the whole month alone, where one sort pays for all.
WITH scores AS (
    SELECT
        s.dimension,
        s.score,
        coalesce(r.respondent_hash, r.id) AS person,
        a.industry_category,
        r.region,
        r.age_band,
        r.gender,
        r.device_type
    FROM analytics.anonymized_assessment_scores AS s
    INNER JOIN analytics.anonymized_assessment_responses AS r
        ON r.created_at = s.created_at AND r.id = s.response_hash
    INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
    WHERE
        s.created_at >= %(start)s AND s.created_at < %(end)s
        AND r.created_at >= %(start)s AND r.created_at < %(end)s
),

raw AS (
    SELECT
        s.dimension,
        coalesce(s.industry_category, 'all') AS industry_category,
        coalesce(s.region, 'all') AS region,
        coalesce(s.age_band, 'all') AS age_band,
        coalesce(s.gender, 'all') AS gender,
        coalesce(s.device_type, 'all') AS device_type,
        count(*) AS sample_size,
        count(DISTINCT s.person) AS people,
        avg(s.score) AS mean,
        min(s.score) AS minimum,
        max(s.score) AS maximum
    FROM scores AS s
    GROUP BY
        s.dimension,
        GROUPING SETS (
            (),
            (s.industry_category),
            (s.region),
            (s.age_band, s.gender),
            (s.device_type)
        )
),

medians AS (
    SELECT
        s.dimension,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY s.score) AS median
    FROM scores AS s
    GROUP BY s.dimension
),

released AS (
    SELECT
        d.dimension,
        d.industry_category,
        d.region,
        d.age_band,
        d.gender,
        d.device_type,
        d.sample_size,
        d.mean,
        d.p50 AS median,
        d.minimum,
        d.maximum,
        d.withheld_reason,
        num_nonnulls(
            nullif(d.industry_category, 'all'), nullif(d.region, 'all'),
            coalesce(nullif(d.age_band, 'all'), nullif(d.gender, 'all')), nullif(d.device_type, 'all')
        ) AS splits
    FROM analytics.ocean_trait_distributions AS d
    WHERE
        d.grain = 'month' AND d.period_start = %(month)s AND d.org_size_category = 'all'
        AND d.instrument = 'all' AND d.assessment_type = 'all'
)

SELECT
    dimension::text AS dimension,
    coalesce(
        nullif(
            concat_ws(
                ', ',
                nullif(industry_category, 'all'), nullif(region, 'all'),
                nullif(age_band, 'all'), nullif(gender, 'all'), nullif(device_type, 'all')
            ),
            ''
        ),
        'all'
    ) AS cell,
    coalesce(r.people, 0) AS people,
    coalesce(r.sample_size, 0) AS raw_sample_size,
    l.sample_size AS released_sample_size,
    r.mean AS raw_mean,
    l.mean AS released_mean,
    CASE WHEN l.splits = 0 THEN m.median END AS raw_median,
    CASE WHEN l.splits = 0 THEN l.median END AS released_median,
    r.minimum AS raw_minimum,
    l.minimum AS released_minimum,
    r.maximum AS raw_maximum,
    l.maximum AS released_maximum,
    l.withheld_reason IS NOT NULL AS is_withheld,
    coalesce(l.withheld_reason LIKE 'fewer than %%', false) AS is_called_small
FROM raw AS r
FULL JOIN (SELECT x.* FROM released AS x WHERE x.splits <= 1) AS l
    USING (dimension, industry_category, region, age_band, gender, device_type)
LEFT JOIN medians AS m USING (dimension)
ORDER BY 2, 1
