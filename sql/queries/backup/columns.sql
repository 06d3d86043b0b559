-- columns: the columns of every table that holds rows of its own, by name.
-- Row: table (schema.table), column, type (pg_catalog's types by their short name).
SELECT
    format('%s.%s', n.nspname, c.relname) AS "table",
    a.attname::text AS "column",
    CASE t.typnamespace WHEN 'pg_catalog'::regnamespace THEN t.typname::text ELSE 'other' END AS type
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_attribute AS a ON a.attrelid = c.oid
INNER JOIN pg_type AS t ON t.oid = a.atttypid
WHERE
    c.relkind = 'r' AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY n.nspname, c.relname, a.attname
