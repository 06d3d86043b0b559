-- history: what was applied, oldest first.
-- Row: history (text), name (text), checksum (text), applied_at (timestamptz), seconds (double precision),
--   release (text), keeps_previous_release (boolean).
-- The last two through JSON: a database that no release with them has migrated yet lacks the columns.
SELECT
    h.history,
    h.name,
    h.checksum,
    h.applied_at,
    h.seconds,
    coalesce(to_jsonb(h) ->> 'release', '') AS release,
    coalesce((to_jsonb(h) ->> 'keeps_previous_release')::boolean, FALSE) AS keeps_previous_release
FROM internal.schema_history AS h
ORDER BY h.applied_at, h.name
