-- columns: the columns of a table or view and their types, in their order.
-- Parameters: schema (text), table (text).
-- Row: name, type (as it is declared).
SELECT
    a.attname AS name,
    format_type(a.atttypid, a.atttypmod) AS type
FROM pg_attribute AS a
INNER JOIN pg_class AS c ON c.oid = a.attrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    n.nspname = %(schema)s AND c.relname = %(table)s
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
