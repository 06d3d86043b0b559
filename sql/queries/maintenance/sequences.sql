-- sequences: how much of each sequence's numbers is used up.
-- Row: name (schema.sequence), used_share (0 to 1).
SELECT
    q.schemaname || '.' || q.sequencename AS name,
    coalesce(q.last_value, 0)::double precision / q.max_value AS used_share
FROM pg_sequences AS q
WHERE q.schemaname IN ('analytics', 'internal')
ORDER BY 1
