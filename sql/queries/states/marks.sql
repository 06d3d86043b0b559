-- marks: the marks of a period.
-- Parameters: start, end (date, half-open). Row: mark_id, day.
SELECT t.mark_id, t.day
FROM internal.touched_days AS t
WHERE t.day >= %(start)s AND t.day < %(end)s
