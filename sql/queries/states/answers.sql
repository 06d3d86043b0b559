-- answers: the answer vectors of one instrument.
-- Parameters: start, end (timestamptz, half-open), name (text, the instrument), by (text or NULL: a
--             dimension), and the filters of rows.
-- Row: day (integer, since 2000-01-01), is_careless, category (smallint, of the dimension; 0 without),
--      answers (bytea, one byte per question), id (the response), seconds (spent; NaN: unknown).
SELECT
    (v.created_at AT TIME ZONE 'UTC')::date - DATE '2000-01-01' AS day,
    r.is_careless,
    CASE %(by)s::text
        WHEN 'industry_category' THEN industry.code
        WHEN 'org_size_category' THEN size.code
        WHEN 'region' THEN region.code
        WHEN 'age_band' THEN age.code
        WHEN 'gender' THEN gender.code
        WHEN 'device_type' THEN device.code
        WHEN 'assessment_type' THEN kind.code
        ELSE 0::smallint
    END AS category,
    v.answers,
    r.id,
    coalesce(r.time_spent_seconds, 'NaN') AS seconds
FROM internal.answer_vectors AS v
INNER JOIN analytics.anonymized_assessment_responses AS r
    ON r.created_at = v.created_at AND r.id = v.response_hash
INNER JOIN analytics.anonymized_assessments AS x ON x.id = r.assessment_hash
-- Left joins, for the planner drops those that neither filter nor group asks for.
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
WHERE v.created_at >= %(start)s AND v.created_at < %(end)s AND v.instrument = %(name)s
    AND r.created_at >= %(start)s AND r.created_at < %(end)s
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
