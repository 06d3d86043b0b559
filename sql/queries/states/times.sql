-- times: the time states of one family over a period.
-- Parameters: family, layer (text), start, end (date, half-open).
-- Row: period_start, instrument, is_careless, counts.
SELECT t.period_start, t.instrument, t.is_careless, t.counts
FROM internal.time_states AS t
WHERE t.family = %(family)s AND t.layer = %(layer)s AND t.period_start >= %(start)s AND t.period_start < %(end)s
ORDER BY t.period_start, t.instrument, t.is_careless
