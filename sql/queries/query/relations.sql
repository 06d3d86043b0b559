-- relations: tables and views behind locked relations, partitions as the table they belong to.
-- Parameters: relations (bigint[], oids).
-- Row: name, is_tracked (its changes are noted), definition (of a view, else NULL).
SELECT
    n.nspname || '.' || c.relname AS name,
    CASE
        WHEN c.relkind IN ('r', 'p') THEN EXISTS (
            SELECT 1
            FROM pg_trigger AS t
            WHERE t.tgrelid = c.oid AND t.tgname = 'note_change' AND t.tgenabled IN ('O', 'A')
        )
        WHEN c.relkind = 'm' THEN n.nspname = 'analytics' AND c.relname LIKE 'mv\_%%'
        WHEN c.relkind = 'v' THEN n.nspname = 'analytics'
        ELSE FALSE
    END AS is_tracked,
    CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END AS definition
FROM (
    SELECT DISTINCT coalesce(pg_partition_root(u.relation::oid)::oid, u.relation::oid) AS relation
    FROM unnest(%(relations)s::bigint []) AS u (relation)
) AS r
INNER JOIN pg_class AS c ON c.oid = r.relation
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind NOT IN ('i', 'I', 't')
ORDER BY name
