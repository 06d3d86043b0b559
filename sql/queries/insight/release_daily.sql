-- release_daily: writes the daily metrics of a run of days: each sector, size and region, and every
--                roll-up of them as all.
-- Parameters: start, end (timestamptz, half-open), minimum_people (integer), withheld (text, the
--             reason where there are fewer), mature_before (date, days before it are mature).
-- Row: none; the command tag counts the rows written.
WITH responses AS (
    SELECT
        (r.created_at AT TIME ZONE 'UTC')::date AS day,
        a.industry_category AS industry,
        a.org_size_category AS size,
        r.region,
        r.org_hash,
        -- A response whose source names no person is taken as a person of its own.
        coalesce(r.respondent_hash, r.id) AS person,
        r.device_type,
        r.status,
        CASE WHEN r.status = 'completed' THEN r.time_spent_seconds END AS seconds
    FROM analytics.anonymized_assessment_responses AS r
    INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
    WHERE r.created_at >= %(start)s AND r.created_at < %(end)s
),

activity AS (
    SELECT
        day,
        CASE WHEN grouping(industry) = 0 THEN industry ELSE 'all' END AS industry_category,
        CASE WHEN grouping(size) = 0 THEN size ELSE 'all' END AS org_size_category,
        CASE WHEN grouping(region) = 0 THEN region ELSE 'all' END AS region,
        count(*) AS started,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'abandoned') AS abandoned,
        avg(seconds) AS mean_seconds,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds,
        count(DISTINCT org_hash) AS organizations,
        count(DISTINCT person) AS people,
        jsonb_build_object(
            'desktop', count(*) FILTER (WHERE device_type = 'desktop'),
            'mobile', count(*) FILTER (WHERE device_type = 'mobile'),
            'tablet', count(*) FILTER (WHERE device_type = 'tablet'),
            'other', count(*) FILTER (WHERE device_type = 'other'),
            'unknown', count(*) FILTER (WHERE device_type = 'unknown')
        ) AS devices
    FROM responses
    GROUP BY day, CUBE (industry, size, region)
),

assessments AS (
    SELECT
        (created_at AT TIME ZONE 'UTC')::date AS day,
        CASE WHEN grouping(industry_category) = 0 THEN industry_category ELSE 'all' END AS industry_category,
        CASE WHEN grouping(org_size_category) = 0 THEN org_size_category ELSE 'all' END AS org_size_category,
        CASE WHEN grouping(region) = 0 THEN region ELSE 'all' END AS region,
        count(*) AS created
    FROM analytics.anonymized_assessments
    WHERE created_at >= %(start)s AND created_at < %(end)s
    GROUP BY
        (created_at AT TIME ZONE 'UTC')::date,
        CUBE (
            anonymized_assessments.industry_category, anonymized_assessments.org_size_category, anonymized_assessments.region
        )
),

cells AS (
    SELECT
        day,
        industry_category,
        org_size_category,
        region,
        r.started,
        r.completed,
        r.abandoned,
        r.mean_seconds,
        r.median_seconds,
        r.organizations,
        r.people,
        r.devices,
        coalesce(a.created, 0) AS created,
        coalesce(r.people, 0) >= %(minimum_people)s AS is_shown
    FROM activity AS r
    FULL JOIN assessments AS a USING (day, industry_category, org_size_category, region)
)

INSERT INTO analytics.daily_assessment_metrics (
    metric_date, industry_category, org_size_category, region, assessments_created,
    responses_started, responses_completed, responses_abandoned, completion_rate,
    avg_time_spent_seconds, median_time_spent_seconds, organizations, respondents,
    device_breakdown, is_mature, withheld_reason
)
SELECT
    c.day,
    c.industry_category,
    c.org_size_category,
    c.region,
    CASE WHEN c.is_shown THEN c.created END,
    CASE WHEN c.is_shown THEN c.started END,
    CASE WHEN c.is_shown THEN c.completed END,
    CASE WHEN c.is_shown THEN c.abandoned END,
    CASE WHEN c.is_shown THEN c.completed::double precision / c.started END,
    CASE WHEN c.is_shown THEN c.mean_seconds END,
    CASE WHEN c.is_shown THEN c.median_seconds END,
    CASE WHEN c.is_shown THEN c.organizations END,
    CASE WHEN c.is_shown THEN c.people END,
    CASE WHEN c.is_shown THEN c.devices END,
    c.day < %(mature_before)s,
    CASE WHEN NOT c.is_shown THEN %(withheld)s END
FROM cells AS c
