-- tables: names of the tables and views of a schema.
-- Parameters: schema (text).
-- Row: name.
SELECT c.relname AS name
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
