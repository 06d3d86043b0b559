-- is_sealed: whether the rows of a month are gone.
-- Parameters: month (date).
-- Row: is_sealed.
SELECT EXISTS(SELECT 1 FROM internal.sealed_months AS m WHERE m.month = %(month)s) AS is_sealed
