-- table_status: estimated rows and size of tables people read, partitions added up.
-- Parameters: names (text [], tables and materialized views; NULL: every table).
-- Row: table_name, estimate (-1: never analyzed), size_bytes.
SELECT
    c.relname AS table_name,
    CASE
        WHEN c.relkind = 'p' THEN (
            SELECT
                CASE WHEN bool_or(k.reltuples < 0) THEN -1 ELSE coalesce(sum(k.reltuples), 0) END
            FROM pg_inherits AS i
            INNER JOIN pg_class AS k ON k.oid = i.inhrelid
            WHERE i.inhparent = c.oid
        )
        ELSE c.reltuples
    END::bigint AS estimate,
    CASE
        WHEN c.relkind = 'p' THEN (
            SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)
            FROM pg_inherits AS i
            WHERE i.inhparent = c.oid
        )
        ELSE pg_total_relation_size(c.oid)
    END::bigint AS size_bytes
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    n.nspname = 'analytics' AND NOT c.relispartition AND has_table_privilege(c.oid, 'SELECT')
    AND CASE
        WHEN %(names)s::text [] IS NULL THEN c.relkind IN ('r', 'p')
        ELSE c.relkind IN ('r', 'p', 'm') AND c.relname::text = ANY(%(names)s::text [])
    END
ORDER BY c.relname
