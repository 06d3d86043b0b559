-- touched_days: days that answers read from rows. Row: day.
SELECT DISTINCT t.day FROM internal.touched_days AS t ORDER BY t.day
