-- retention_partitions: the periods that have partitions, what they take up, and who depends on them.
-- Row: period (such as 2024_03 or 2012), size_bytes (of all tables with indexes), dependants (text []).
WITH parts AS (
    SELECT
        substring(c.relname FROM '_([0-9]{4}(?:_[0-9]{2})?)$') AS period,
        c.oid
    FROM internal.partition_parents() AS p
    INNER JOIN pg_inherits AS i ON i.inhparent = format('%I.%I', p.schema_name, p.table_name)::regclass
    INNER JOIN pg_class AS c ON c.oid = i.inhrelid
)

SELECT
    p.period,
    sum(pg_total_relation_size(p.oid))::bigint AS size_bytes,
    ARRAY(
        SELECT DISTINCT w.ev_class::regclass::text
        FROM parts AS q
        INNER JOIN pg_depend AS d
            ON d.refclassid = 'pg_class'::regclass AND d.refobjid = q.oid AND d.classid = 'pg_rewrite'::regclass
        INNER JOIN pg_rewrite AS w ON w.oid = d.objid
        WHERE q.period = p.period AND w.ev_class <> q.oid
        UNION
        SELECT f.conrelid::regclass::text
        FROM parts AS q
        INNER JOIN pg_constraint AS f ON f.confrelid = q.oid AND f.contype = 'f'
        WHERE q.period = p.period
    ) AS dependants
FROM parts AS p
GROUP BY p.period
ORDER BY p.period
