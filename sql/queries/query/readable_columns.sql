-- readable_columns: tables and views of the schema analytics that this login may read, with their columns.
-- Row: table_name, column_name, type_name (as a cast takes it), category (N number, D time, B truth value, ...).
SELECT
    c.relname AS table_name,
    a.attname AS column_name,
    format_type(a.atttypid, NULL) AS type_name,
    t.typcategory::text AS category
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
INNER JOIN pg_type AS t ON t.oid = a.atttypid
WHERE
    n.nspname = 'analytics' AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
    AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY c.relname, a.attnum
