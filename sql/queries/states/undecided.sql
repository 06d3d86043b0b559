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
            AND t.period_start <> ALL(%(touched_months)s::date [])
        )
        OR (
            t.family = %(day_family)s
            AND t.period_start >= %(day_start)s AND t.period_start < %(day_end)s
            AND (
                t.period_start < %(month_start)s
                OR t.period_start >= %(month_end)s
                OR date_trunc('month', t.period_start::timestamp)::date = ANY(%(touched_months)s::date [])
            )
        )
    )
    AND (%(instrument)s::text [] IS NULL OR t.instrument = ANY(%(instrument)s::text []))
    AND (%(is_careless)s::boolean IS NULL OR t.is_careless = %(is_careless)s::boolean)
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
