-- table_sizes: what the given relations hold, partitions of partitioned ones included.
-- Parameters: names (text [], schema.table). Row: name, rows (estimate), size_bytes; those that exist.
SELECT
    n.name,
    coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint AS rows,
    coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS size_bytes
FROM unnest(%(names)s::text []) AS n (name)
CROSS JOIN LATERAL (SELECT to_regclass(n.name) AS oid) AS r
INNER JOIN LATERAL (
    SELECT p.relid FROM pg_partition_tree(r.oid) AS p
    UNION
    SELECT r.oid
) AS p ON r.oid IS NOT NULL
INNER JOIN pg_class AS c ON c.oid = p.relid
GROUP BY n.name
