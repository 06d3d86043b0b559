-- answer_items: the item states of one instrument: whole clean months, then clean days.
-- Parameters: instrument (text), is_careless (boolean or NULL), and the periods of answer_traits.
-- Row: responses, items.
SELECT i.responses, i.items
FROM internal.item_states AS i
WHERE i.instrument = %(instrument)s
    AND (%(is_careless)s::boolean IS NULL OR i.is_careless = %(is_careless)s::boolean)
    AND (
        (
            i.family = 'month'
            AND i.period_start >= %(month_start)s AND i.period_start < %(month_end)s
            AND (i.layer = 'sealed' OR i.period_start <> ALL(%(touched_months)s::date []))
        )
        OR (
            i.family = 'day'
            AND i.period_start >= %(day_start)s AND i.period_start < %(day_end)s
            AND (
                i.period_start < %(month_start)s
                OR i.period_start >= %(month_end)s
                OR (
                    i.layer = 'live'
                    AND date_trunc('month', i.period_start::timestamp)::date
                    = ANY(%(touched_months)s::date [])
                )
            )
            AND (i.layer = 'sealed' OR i.period_start <> ALL(%(touched_days)s::date []))
        )
    )
ORDER BY i.period_start, i.is_careless
