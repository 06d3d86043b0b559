-- duplicate_indexes: pairs of indexes over the same columns, in the same way, with the same condition.
-- Row: table_name, index_name, kept_name, size_bytes (partitions added up); the unique or older one stays.
SELECT
    i.indrelid::regclass::text AS table_name,
    i.indexrelid::regclass::text AS index_name,
    k.indexrelid::regclass::text AS kept_name,
    (
        pg_relation_size(i.indexrelid)
        + coalesce((
            SELECT sum(pg_relation_size(p.inhrelid)) FROM pg_inherits AS p WHERE p.inhparent = i.indexrelid
        ), 0)
    )::bigint AS size_bytes
FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indexrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_index AS k
    ON
        k.indrelid = i.indrelid AND k.indexrelid <> i.indexrelid
        AND k.indkey::text = i.indkey::text AND k.indclass::text = i.indclass::text
        AND k.indcollation::text = i.indcollation::text AND k.indoption::text = i.indoption::text
        AND k.indpred::text IS NOT DISTINCT FROM i.indpred::text
        AND k.indexprs::text IS NOT DISTINCT FROM i.indexprs::text
WHERE
    n.nspname IN ('analytics', 'internal') AND NOT i.indisunique
    AND NOT EXISTS (SELECT 1 FROM pg_inherits AS p WHERE p.inhrelid = i.indexrelid)
    AND (k.indisunique OR k.indexrelid < i.indexrelid)
ORDER BY 4 DESC, 2
