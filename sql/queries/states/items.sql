-- items: the item states of one family over a period.
-- Parameters: family, layer (text), start, end (date, half-open).
-- Row: period_start, instrument, is_careless, responses, items.
SELECT i.period_start, i.instrument, i.is_careless, i.responses, i.items
FROM internal.item_states AS i
WHERE i.family = %(family)s AND i.layer = %(layer)s AND i.period_start >= %(start)s AND i.period_start < %(end)s
ORDER BY i.period_start, i.instrument, i.is_careless
