-- touched_months: months whose states are behind their rows.
-- Row: month (date).
SELECT DISTINCT date_trunc('month', t.day::timestamp)::date AS month
FROM internal.touched_days AS t
ORDER BY month
