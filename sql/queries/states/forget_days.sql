-- forget_days: deletes the live states of days that are counted again.
-- Parameters: days (date []).
WITH traits AS (
    DELETE FROM internal.trait_states
    WHERE family LIKE 'day%%' AND layer = 'live' AND period_start = ANY(%(days)s::date [])
),
items AS (
    DELETE FROM internal.item_states
    WHERE family = 'day' AND layer = 'live' AND period_start = ANY(%(days)s::date [])
),
organizations AS (
    DELETE FROM internal.organization_states
    WHERE family = 'day' AND layer = 'live' AND period_start = ANY(%(days)s::date [])
)
DELETE FROM internal.time_states
WHERE family = 'day' AND layer = 'live' AND period_start = ANY(%(days)s::date [])
