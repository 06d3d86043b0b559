-- touched_days: days whose states are behind their rows.
-- Parameters: start, end (date, half-open). Row: day.
SELECT DISTINCT t.day
FROM internal.touched_days AS t
WHERE t.day >= %(start)s AND t.day < %(end)s
ORDER BY t.day
