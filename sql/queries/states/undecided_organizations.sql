-- undecided_organizations: responses of sealed small organizations that could belong to the selection
-- or not: their names, sectors and sizes were given up, and they are kept by month only.
-- Parameters: month_start, month_end (date, half-open, read by months), sealed_months (date [], touched by
--             the range), is_filtered (boolean, whether name, sector or size matter), instrument
--             (text [] or NULL), is_careless (boolean or NULL).
-- Row: responses.
SELECT coalesce(sum(o.started), 0)::bigint AS responses
FROM internal.organization_states AS o
WHERE o.family = 'month' AND o.layer = 'sealed'
    AND o.org_hash = '00000000-0000-0000-0000-000000000000'
    AND o.period_start = ANY(%(sealed_months)s::date [])
    AND (
        %(is_filtered)s::boolean
        OR o.period_start < %(month_start)s::date OR o.period_start >= %(month_end)s::date
    )
    AND (%(instrument)s::text [] IS NULL OR o.instrument = ANY(%(instrument)s::text []))
    AND (%(is_careless)s::boolean IS NULL OR o.is_careless = %(is_careless)s::boolean)
