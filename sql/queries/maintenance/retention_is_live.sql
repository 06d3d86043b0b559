-- retention_is_live: whether a period has rows that no sealed state holds; asks marks and states, not rows.
-- Parameters: start, end (date, half-open). Row: is_live (boolean).
SELECT
    EXISTS (SELECT 1 FROM internal.touched_days AS t WHERE t.day >= %(start)s AND t.day < %(end)s)
    OR EXISTS (
        SELECT 1 FROM internal.organization_states AS o
        WHERE o.family = 'day' AND o.layer = 'live' AND o.period_start >= %(start)s AND o.period_start < %(end)s
    ) AS is_live
