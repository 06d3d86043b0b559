-- forget_month: deletes the live month states of a month that is merged again.
-- Parameters: month (date).
WITH traits AS (
    DELETE FROM internal.trait_states
    WHERE family LIKE 'month%%' AND layer = 'live' AND period_start = %(month)s
),
items AS (
    DELETE FROM internal.item_states
    WHERE family = 'month' AND layer = 'live' AND period_start = %(month)s
),
organizations AS (
    DELETE FROM internal.organization_states
    WHERE family = 'month' AND layer = 'live' AND period_start = %(month)s
)
DELETE FROM internal.time_states
WHERE family = 'month' AND layer = 'live' AND period_start = %(month)s
