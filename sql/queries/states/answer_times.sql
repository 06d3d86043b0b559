-- answer_times: the counts of time spent by period: whole clean months, then clean days.
-- Parameters: by (text: range, day, week, month or quarter), instrument (text [] or NULL), is_careless
--             (boolean or NULL), and the periods of answer_traits.
-- Row: period (date), counts (packed, not yet merged).
SELECT
    CASE %(by)s::text
        WHEN 'range' THEN %(day_start)s::date
        ELSE date_trunc(%(by)s::text, t.period_start::timestamp)::date
    END AS period,
    string_agg(t.counts, '') AS counts
FROM internal.time_states AS t
WHERE (
    (
        t.family = 'month'
        AND t.period_start >= %(month_start)s::date AND t.period_start < %(month_end)s::date
        AND (t.layer = 'sealed' OR t.period_start <> ALL(%(touched_months)s::date []))
    )
    OR (
        t.family = 'day'
        AND t.period_start >= %(day_start)s::date AND t.period_start < %(day_end)s::date
        AND (
            t.period_start < %(month_start)s::date
            OR t.period_start >= %(month_end)s::date
            OR (
                t.layer = 'live'
                AND date_trunc('month', t.period_start::timestamp)::date = ANY(%(touched_months)s::date [])
            )
        )
        AND (t.layer = 'sealed' OR t.period_start <> ALL(%(touched_days)s::date []))
    )
)
AND (%(instrument)s::text [] IS NULL OR t.instrument = ANY(%(instrument)s::text []))
AND (%(is_careless)s::boolean IS NULL OR t.is_careless = %(is_careless)s::boolean)
GROUP BY 1
