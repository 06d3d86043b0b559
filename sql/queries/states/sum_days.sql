-- sum_days: adds the organization sums of each day up to the day's own.
-- Parameters: start, end (date, half-open).
SELECT internal.sum_days(%(start)s::date, %(end)s::date)
