-- forget_days: deletes the live states of days that are counted again, but those of traits.
-- Parameters: days (date []).
WITH items AS (
    DELETE FROM internal.item_states
    WHERE family = 'day' AND layer = 'live' AND period_start = ANY(%(days)s::date [])
),
organizations AS (
    DELETE FROM internal.organization_states
    WHERE family = 'day' AND layer = 'live' AND period_start = ANY(%(days)s::date [])
)
DELETE FROM internal.time_states
WHERE family = 'day' AND layer = 'live' AND period_start = ANY(%(days)s::date [])
