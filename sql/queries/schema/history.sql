-- history: what was applied, oldest first.
-- Row: history (text), name (text), checksum (text), applied_at (timestamptz), seconds (double precision).
SELECT h.history, h.name, h.checksum, h.applied_at, h.seconds
FROM internal.schema_history AS h
ORDER BY h.applied_at, h.name
