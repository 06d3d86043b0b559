-- retention_holds: legal holds, the oldest first.
-- Parameters: has_released (boolean, whether released ones are listed too). Row: one per hold.
SELECT
    h.id, h.reason, h.tier, h.starts_on AS start, h.ends_on AS "end",
    h.placed_at, h.placed_by, h.released_at, h.released_by
FROM internal.retention_holds AS h
WHERE %(has_released)s OR h.released_at IS NULL
ORDER BY h.id
