-- rows: one record of fixed width per response, categories as numbers, scores side by side.
-- The planner drops the joins of what is not selected from it: all are left joins to one row at most.
-- Parameters: start, end (timestamptz, half-open), numbers of allowed categories (smallint [] or NULL)
--             by dimension, is_careless (boolean or NULL), organizations, other_organizations
--             (uuid [] or NULL), last_batch (bigint or NULL, newest batch to read), last_id
--             (uuid or NULL, the last pseudonym of a sample), tolerance (points that two AI scores
--             may differ by and agree).
-- Row: see states.rows; nothing is NULL, an absent number is NaN.
SELECT
    (r.created_at AT TIME ZONE 'UTC')::date - DATE '2000-01-01' AS day,
    instrument.code AS instrument,
    r.is_careless,
    industry.code AS industry_category,
    size.code AS org_size_category,
    region.code AS region,
    age.code AS age_band,
    gender.code AS gender,
    device.code AS device_type,
    kind.code AS assessment_type,
    (CASE r.status WHEN 'completed' THEN 1 WHEN 'abandoned' THEN 2 ELSE 0 END)::smallint AS status,
    r.id,
    r.org_hash,
    coalesce(r.time_spent_seconds, 'NaN') AS seconds,
    coalesce(s.openness, 'NaN') AS openness,
    coalesce(s.conscientiousness, 'NaN') AS conscientiousness,
    coalesce(s.extraversion, 'NaN') AS extraversion,
    coalesce(s.agreeableness, 'NaN') AS agreeableness,
    coalesce(s.neuroticism, 'NaN') AS neuroticism,
    coalesce(v.validated, 0)::integer AS validated,
    coalesce(v.agreed, 0)::integer AS agreed
FROM analytics.anonymized_assessment_responses AS r
INNER JOIN analytics.anonymized_assessments AS x ON x.id = r.assessment_hash
LEFT JOIN internal.categories AS instrument
    ON instrument.vocabulary = 'instrument' AND instrument.name = x.instrument
LEFT JOIN internal.categories AS industry
    ON industry.vocabulary = 'industry_category' AND industry.name = x.industry_category
LEFT JOIN internal.categories AS size
    ON size.vocabulary = 'org_size_category' AND size.name = x.org_size_category
LEFT JOIN internal.categories AS kind
    ON kind.vocabulary = 'assessment_type' AND kind.name = x.assessment_type
LEFT JOIN internal.categories AS region ON region.vocabulary = 'region' AND region.name = r.region
LEFT JOIN internal.categories AS age ON age.vocabulary = 'age_band' AND age.name = r.age_band
LEFT JOIN internal.categories AS gender ON gender.vocabulary = 'gender' AND gender.name = r.gender
LEFT JOIN internal.categories AS device ON device.vocabulary = 'device_type' AND device.name = r.device_type
LEFT JOIN (
    SELECT
        p.created_at,
        p.response_hash,
        max(p.score) FILTER (WHERE p.dimension = 'openness') AS openness,
        max(p.score) FILTER (WHERE p.dimension = 'conscientiousness') AS conscientiousness,
        max(p.score) FILTER (WHERE p.dimension = 'extraversion') AS extraversion,
        max(p.score) FILTER (WHERE p.dimension = 'agreeableness') AS agreeableness,
        max(p.score) FILTER (WHERE p.dimension = 'neuroticism') AS neuroticism
    FROM analytics.anonymized_assessment_scores AS p
    WHERE p.created_at >= %(start)s AND p.created_at < %(end)s
        AND (%(last_id)s::uuid IS NULL OR p.response_hash <= %(last_id)s::uuid)
    GROUP BY p.created_at, p.response_hash
) AS s ON s.created_at = r.created_at AND s.response_hash = r.id
LEFT JOIN (
    SELECT
        q.created_at,
        q.response_hash,
        count(*) AS validated,
        count(*) FILTER (WHERE abs(q.primary_score - q.secondary_score) <= %(tolerance)s) AS agreed
    FROM internal.ai_validations AS q
    WHERE q.created_at >= %(start)s AND q.created_at < %(end)s
    GROUP BY q.created_at, q.response_hash
) AS v ON v.created_at = r.created_at AND v.response_hash = r.id
WHERE r.created_at >= %(start)s AND r.created_at < %(end)s
    AND (
        -- Asked once; the month of a row is worked out only where a month of the range is sealed.
        r.batch_id > (
            SELECT coalesce(max(z.last_batch), 0) FROM internal.sealed_months AS z
            WHERE z.month >= date_trunc('month', %(start)s, 'UTC')::date AND z.month < %(end)s
        )
        OR NOT EXISTS (
            SELECT 1 FROM internal.sealed_months AS m
            WHERE m.month = date_trunc('month', r.created_at, 'UTC')::date AND r.batch_id <= m.last_batch
        )
    )
    AND (%(last_batch)s::bigint IS NULL OR r.batch_id <= %(last_batch)s::bigint)
    AND (%(last_id)s::uuid IS NULL OR r.id <= %(last_id)s::uuid)
    AND (%(instrument)s::smallint [] IS NULL OR instrument.code = ANY(%(instrument)s::smallint []))
    AND (
        %(industry_category)s::smallint [] IS NULL
        OR industry.code = ANY(%(industry_category)s::smallint [])
    )
    AND (
        %(org_size_category)s::smallint [] IS NULL
        OR size.code = ANY(%(org_size_category)s::smallint [])
    )
    AND (%(region)s::smallint [] IS NULL OR region.code = ANY(%(region)s::smallint []))
    AND (%(age_band)s::smallint [] IS NULL OR age.code = ANY(%(age_band)s::smallint []))
    AND (%(gender)s::smallint [] IS NULL OR gender.code = ANY(%(gender)s::smallint []))
    AND (%(device_type)s::smallint [] IS NULL OR device.code = ANY(%(device_type)s::smallint []))
    AND (
        %(assessment_type)s::smallint [] IS NULL
        OR kind.code = ANY(%(assessment_type)s::smallint [])
    )
    AND (%(is_careless)s::boolean IS NULL OR r.is_careless = %(is_careless)s::boolean)
    AND (%(organizations)s::uuid [] IS NULL OR r.org_hash = ANY(%(organizations)s::uuid []))
    AND (
        %(other_organizations)s::uuid [] IS NULL
        OR r.org_hash <> ALL(%(other_organizations)s::uuid [])
    )
