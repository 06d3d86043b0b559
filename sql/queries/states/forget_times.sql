-- forget_times: deletes both layers of a family of time states over a period.
-- Parameters: family (text), start, end (date, half-open).
DELETE FROM internal.time_states
WHERE family = %(family)s AND period_start >= %(start)s AND period_start < %(end)s
