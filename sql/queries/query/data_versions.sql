-- data_versions: the version of the content of tables, and of the schema, which is always among them.
-- A table's version changes with every transaction that changes it and with its set of partitions.
-- Parameters: tables (text[], with their schema).
-- Row: table_name, version.
SELECT
    x.table_name,
    md5(string_agg(x.part, ',' ORDER BY x.part)) AS version
FROM (
    SELECT
        v.table_name,
        v.transaction || ' ' || extract(EPOCH FROM v.changed_at) AS part
    FROM analytics.table_versions AS v
    WHERE v.table_name = ANY(%(tables)s::text []) OR v.table_name = 'internal.schema_history'
    UNION ALL
    SELECT
        n.nspname || '.' || p.relname AS table_name,
        'partition ' || k.oid || ' ' || k.relfilenode AS part
    FROM unnest(%(tables)s::text []) AS u (table_name)
    INNER JOIN pg_namespace AS n ON n.nspname = split_part(u.table_name, '.', 1)
    INNER JOIN pg_class AS p ON p.relnamespace = n.oid AND p.relname = split_part(u.table_name, '.', 2)
    INNER JOIN pg_inherits AS i ON i.inhparent = p.oid
    INNER JOIN pg_class AS k ON k.oid = i.inhrelid
) AS x
GROUP BY x.table_name
ORDER BY x.table_name
