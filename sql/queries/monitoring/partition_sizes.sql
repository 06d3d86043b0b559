-- partition_sizes: partitions above a size. Parameters: minimum_bytes (bigint).
-- Row: table_name, partition_name, size_bytes.
SELECT
    p.inhparent::regclass::text AS table_name,
    p.inhrelid::regclass::text AS partition_name,
    pg_total_relation_size(p.inhrelid)::bigint AS size_bytes
FROM pg_inherits AS p
INNER JOIN pg_class AS c ON c.oid = p.inhrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relkind = 'r' AND n.nspname IN ('analytics', 'internal')
    AND pg_total_relation_size(p.inhrelid) >= %(minimum_bytes)s
ORDER BY 3 DESC
