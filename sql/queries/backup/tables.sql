-- tables: every table and partition that holds rows of its own, the largest first.
-- Row: schema, name, root (qualified name of the partitioned table above it, or null).
SELECT
    n.nspname AS schema,
    c.relname AS name,
    (
        SELECT format('%s.%s', pn.nspname, pc.relname)
        FROM pg_class AS pc
        INNER JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
        WHERE c.relispartition AND pc.oid = pg_partition_root(c.oid)
    ) AS root
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relkind = 'r' AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%%'
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY c.relpages DESC, n.nspname, c.relname
