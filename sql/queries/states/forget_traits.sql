-- forget_traits: deletes the live trait states of a month, all families.
-- Parameters: start, end (date, half-open).
DELETE FROM internal.trait_states
WHERE layer = 'live' AND period_start >= %(start)s AND period_start < %(end)s
