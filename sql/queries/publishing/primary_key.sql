-- primary_key: the columns of a table's primary key, in their order.
-- Parameters: schema (text), table (text).
-- Row: name.
SELECT a.attname AS name
FROM pg_constraint AS k
INNER JOIN pg_class AS c ON c.oid = k.conrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.attnum
WHERE k.contype = 'p' AND n.nspname = %(schema)s AND c.relname = %(table)s
ORDER BY u.place
