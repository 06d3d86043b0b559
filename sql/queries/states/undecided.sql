-- undecided: responses of sealed cells that gave up a dimension that is filtered, and that could
-- therefore belong to the selection or not.
-- Parameters: those of answer_traits, and filtered (text [], names of the filtered dimensions).
-- Row: responses.
SELECT sum(t.responses)::bigint AS responses
FROM internal.trait_states AS t
WHERE t.layer = 'sealed'
    AND (
        (
            t.family = %(month_family)s
            AND t.period_start >= %(month_start)s AND t.period_start < %(month_end)s
        )
        OR (
            t.family = %(day_family)s
            AND t.period_start >= %(day_start)s AND t.period_start < %(day_end)s
            AND (
                t.period_start < %(month_start)s
                OR t.period_start >= %(month_end)s
            )
        )
    )
    AND (%(instrument)s::text [] IS NULL OR t.instrument = ANY(%(instrument)s::text []))
    AND (%(is_careless)s::boolean IS NULL OR t.is_careless = %(is_careless)s::boolean)
    AND (
        %(industry_category)s::text [] IS NULL
        OR t.industry_category = ANY(%(industry_category)s::text []) OR t.industry_category = 'merged'
    )
    AND (
        %(org_size_category)s::text [] IS NULL
        OR t.org_size_category = ANY(%(org_size_category)s::text []) OR t.org_size_category = 'merged'
    )
    AND (
        %(region)s::text [] IS NULL
        OR t.region = ANY(%(region)s::text []) OR t.region = 'merged'
    )
    AND (
        %(age_band)s::text [] IS NULL
        OR t.age_band = ANY(%(age_band)s::text []) OR t.age_band = 'merged'
    )
    AND (
        %(gender)s::text [] IS NULL
        OR t.gender = ANY(%(gender)s::text []) OR t.gender = 'merged'
    )
    AND (
        %(device_type)s::text [] IS NULL
        OR t.device_type = ANY(%(device_type)s::text []) OR t.device_type = 'merged'
    )
    AND (
        %(assessment_type)s::text [] IS NULL
        OR t.assessment_type = ANY(%(assessment_type)s::text []) OR t.assessment_type = 'merged'
    )
    AND EXISTS (
        SELECT 1
        FROM (
            VALUES
            ('industry_category', t.industry_category),
            ('org_size_category', t.org_size_category),
            ('region', t.region),
            ('age_band', t.age_band),
            ('gender', t.gender),
            ('device_type', t.device_type),
            ('assessment_type', t.assessment_type)
        ) AS v (name, word)
        WHERE v.name = ANY(%(filtered)s::text []) AND v.word = 'merged'
    )
