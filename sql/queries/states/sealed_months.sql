-- sealed_months: months whose rows are gone or going.
-- Parameters: start, end (date, half-open). Row: month.
SELECT s.month
FROM internal.sealed_months AS s
WHERE s.month >= %(start)s AND s.month < %(end)s
ORDER BY s.month
