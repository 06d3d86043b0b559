-- identities: the columns that number their rows, and how far their sequence has counted.
-- Row: schema, name, column, last (bigint, null before the first number).
SELECT
    n.nspname AS schema,
    c.relname AS name,
    a.attname AS "column",
    pg_sequence_last_value(
        pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname::text)::regclass
    ) AS last
FROM pg_attribute AS a
INNER JOIN pg_class AS c ON c.oid = a.attrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND a.attidentity <> '' AND NOT a.attisdropped AND c.relkind = 'r'
ORDER BY 1, 2, 3
