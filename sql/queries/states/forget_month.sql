-- forget_month: deletes the live month states that are merged again: all but those of traits.
-- Parameters: month (date).
WITH items AS (
    DELETE FROM internal.item_states
    WHERE family = 'month' AND layer = 'live' AND period_start = %(month)s
),
organizations AS (
    DELETE FROM internal.organization_states
    WHERE family = 'month' AND layer = 'live' AND period_start = %(month)s
)
DELETE FROM internal.time_states
WHERE family = 'month' AND layer = 'live' AND period_start = %(month)s
