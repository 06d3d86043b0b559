-- undecided_organizations: responses of sealed small organizations that an answer lacks. In a month that
-- is read whole they are those whose names, sectors and sizes were given up, if these matter; in one that is
-- read by days all that its days do not have: days are sealed without organizations that are small on them.
-- Parameters: is_filtered (boolean, whether name, sector or size matter), sealed_months (date [], touched by
--             the range), and those of answer_organizations but by and by_organization.
-- Row: responses.
WITH sealed AS (
    SELECT
        o.family,
        o.started,
        o.org_hash = '00000000-0000-0000-0000-000000000000' AS is_merged,
        date_trunc('month', o.period_start::timestamp)::date AS month,
        (
            %(industry_category)s::text [] IS NULL
            OR o.industry_category = ANY(%(industry_category)s::text [])
        )
        AND (
            %(org_size_category)s::text [] IS NULL
            OR o.org_size_category = ANY(%(org_size_category)s::text [])
        )
        AND (%(organizations)s::uuid [] IS NULL OR o.org_hash = ANY(%(organizations)s::uuid []))
        AND (
            %(other_organizations)s::uuid [] IS NULL
            OR o.org_hash <> ALL(%(other_organizations)s::uuid [])
        ) AS is_meant
    FROM internal.organization_states AS o
    WHERE o.layer = 'sealed' AND o.family IN ('month', %(day_family)s::text)
        AND (%(instrument)s::text [] IS NULL OR o.instrument = ANY(%(instrument)s::text []))
        AND (%(is_careless)s::boolean IS NULL OR o.is_careless = %(is_careless)s::boolean)
)

SELECT coalesce(sum(CASE WHEN s.family = 'month' THEN s.started ELSE -s.started END), 0)::bigint AS responses
FROM sealed AS s
WHERE s.month = ANY(%(sealed_months)s::date [])
    AND CASE
        WHEN s.month >= %(month_start)s::date AND s.month < %(month_end)s::date
            THEN s.family = 'month' AND s.is_merged AND %(is_filtered)s::boolean
        ELSE s.is_meant OR (s.family = 'month' AND s.is_merged)
    END
