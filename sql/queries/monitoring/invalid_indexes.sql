-- invalid_indexes: indexes that are written and never read, left by a build that was broken off.
-- Row: table_name, index_name, size_bytes.
SELECT
    i.indrelid::regclass::text AS table_name,
    i.indexrelid::regclass::text AS index_name,
    pg_relation_size(i.indexrelid)::bigint AS size_bytes
FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indexrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND c.relkind = 'i' AND NOT i.indisvalid
ORDER BY 3 DESC, 2
