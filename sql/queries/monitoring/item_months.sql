-- item_months: item states of careful responses, of the newest month that has any and up to a year before.
-- Row: month, instrument, responses, items, is_newest; the newest first.
SELECT
    i.period_start AS month,
    i.instrument,
    i.responses,
    i.items,
    i.period_start = newest.month AS is_newest
FROM internal.item_states AS i
CROSS JOIN (
    SELECT max(x.period_start) AS month
    FROM internal.item_states AS x
    WHERE x.family = 'month' AND NOT x.is_careless
) AS newest
WHERE i.family = 'month' AND NOT i.is_careless AND i.period_start >= newest.month - INTERVAL '1 year'
ORDER BY i.period_start DESC, i.instrument
