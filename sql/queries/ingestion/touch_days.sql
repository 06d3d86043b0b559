-- touch_days: marks days whose states are behind their rows now.
-- Parameters: batch_id (bigint), days (date []).
INSERT INTO internal.touched_days (day, batch_id)
SELECT d.day, %(batch_id)s FROM unnest(%(days)s::date []) AS d (day)
