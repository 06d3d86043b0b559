-- touched_months: months whose states are behind their rows.
-- Row: month (date), newest_mark.
SELECT
    date_trunc('month', t.day::timestamp)::date AS month,
    max(t.mark_id) AS newest_mark
FROM internal.touched_days AS t
GROUP BY 1
ORDER BY 1
