-- strangers: tables, views, sequences and functions outside of the platform's schemas.
-- Parameters: ours (text []), the schemas to leave out. Row: name (schema.name).
SELECT format('%%s.%%s', n.nspname, o.name) AS name
FROM (
    SELECT
        c.relnamespace AS namespace,
        c.relname AS name,
        c.oid AS object,
        'pg_class'::regclass AS class
    FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
    UNION ALL
    SELECT
        p.pronamespace AS namespace,
        p.proname AS name,
        p.oid AS object,
        'pg_proc'::regclass AS class
    FROM pg_proc AS p
) AS o
INNER JOIN pg_namespace AS n ON n.oid = o.namespace
WHERE
    n.nspname <> ALL(%(ours)s) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\_toast%%' AND n.nspname NOT LIKE 'pg\_temp%%'
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = o.class AND d.objid = o.object AND d.deptype = 'e'
    )
ORDER BY 1
