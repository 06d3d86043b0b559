-- answer_traits: the packed states of a selection: whole clean months, then clean days. A whole month's
-- sealed layer comes from the month: its days have smaller cells and so gave up more dimensions.
-- Parameters: month_family, day_family (text); month_start, month_end, day_start, day_end (date,
--             half-open); touched_days, touched_months (date []); allowed words by dimension
--             (text [] or NULL); is_careless (boolean or NULL); by (text or NULL: a dimension to keep
--             apart), step (text or NULL: month or quarter to keep apart).
-- Row: category (all without by), period (date; NULL without step), instrument, responses, counts,
--      moments (packed, cells one after the other).
SELECT
    CASE %(by)s::text
        WHEN 'industry_category' THEN t.industry_category
        WHEN 'org_size_category' THEN t.org_size_category
        WHEN 'region' THEN t.region
        WHEN 'age_band' THEN t.age_band
        WHEN 'gender' THEN t.gender
        WHEN 'device_type' THEN t.device_type
        WHEN 'assessment_type' THEN t.assessment_type
        WHEN 'instrument' THEN t.instrument
        ELSE 'all'
    END AS category,
    CASE
        WHEN %(step)s::text IS NOT NULL THEN date_trunc(%(step)s::text, t.period_start::timestamp)::date
    END AS period,
    t.instrument,
    sum(t.responses)::bigint AS responses,
    string_agg(t.counts, '') AS counts,
    string_agg(t.moments, '') AS moments
FROM (
    SELECT
        m.period_start, m.instrument, m.is_careless, m.industry_category, m.org_size_category, m.region, m.age_band,
        m.gender, m.device_type, m.assessment_type, m.responses, m.counts, m.moments
    FROM internal.trait_states AS m
    WHERE m.family = %(month_family)s
        AND m.period_start >= %(month_start)s AND m.period_start < %(month_end)s
        AND (m.layer = 'sealed' OR m.period_start <> ALL(%(touched_months)s::date []))
    UNION ALL
    SELECT
        d.period_start, d.instrument, d.is_careless, d.industry_category, d.org_size_category, d.region, d.age_band,
        d.gender, d.device_type, d.assessment_type, d.responses, d.counts, d.moments
    FROM internal.trait_states AS d
    WHERE d.family = %(day_family)s
        AND d.period_start >= %(day_start)s AND d.period_start < %(day_end)s
        AND (
            d.period_start < %(month_start)s
            OR d.period_start >= %(month_end)s
            OR (
                d.layer = 'live'
                AND date_trunc('month', d.period_start::timestamp)::date = ANY(%(touched_months)s::date [])
            )
        )
        AND (d.layer = 'sealed' OR d.period_start <> ALL(%(touched_days)s::date []))
) AS t
WHERE (%(instrument)s::text [] IS NULL OR t.instrument = ANY(%(instrument)s::text []))
    AND (%(is_careless)s::boolean IS NULL OR t.is_careless = %(is_careless)s::boolean)
    AND (
        %(industry_category)s::text [] IS NULL
        OR t.industry_category = ANY(%(industry_category)s::text [])
    )
    AND (
        %(org_size_category)s::text [] IS NULL
        OR t.org_size_category = ANY(%(org_size_category)s::text [])
    )
    AND (%(region)s::text [] IS NULL OR t.region = ANY(%(region)s::text []))
    AND (%(age_band)s::text [] IS NULL OR t.age_band = ANY(%(age_band)s::text []))
    AND (%(gender)s::text [] IS NULL OR t.gender = ANY(%(gender)s::text []))
    AND (%(device_type)s::text [] IS NULL OR t.device_type = ANY(%(device_type)s::text []))
    AND (
        %(assessment_type)s::text [] IS NULL
        OR t.assessment_type = ANY(%(assessment_type)s::text [])
    )
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
