-- scanned_tables: what tables and partitions belong to, how many rows they have, and their columns.
-- Parameters: names (text[], schema and table). Row: relation, table_name (text), rows (double precision), columns (text[]),
--   index_count (bigint, of the table).
SELECT
    n.name AS relation,
    coalesce(root.relation::regclass::text, n.name) AS table_name,
    greatest(c.reltuples, 0)::double precision AS rows,
    ARRAY(
        SELECT a.attname::text
        FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
    ) AS columns,
    (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = coalesce(root.relation, c.oid)) AS index_count
FROM unnest(%(names)s::text []) AS n (name)
INNER JOIN pg_class AS c ON c.oid = to_regclass(n.name)
LEFT JOIN LATERAL (SELECT pg_partition_root(c.oid) AS relation) AS root ON c.relispartition
