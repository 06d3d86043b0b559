-- views: the views and materialized views that a restored database must be able to read.
-- Row: schema, name.
SELECT
    n.nspname AS schema,
    c.relname AS name
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND c.relkind IN ('v', 'm')
ORDER BY 1, 2
