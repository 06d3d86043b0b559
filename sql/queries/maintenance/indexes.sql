-- indexes: those that are invalid, that repeat another one, or that nobody has used for a while.
-- Sizes are those of the last VACUUM: asking for exact ones would wait for locks.
-- Parameters: unused_days (int), the days that statistics must span before "unused" means anything.
-- Row: name (schema.index), table_name, size_bytes, is_invalid, repeats (schema.index or NULL), is_unused.
WITH known AS (
    SELECT
        i.indexrelid,
        i.indrelid,
        i.indisvalid,
        i.indisunique,
        n.nspname || '.' || c.relname AS name,
        n.nspname || '.' || t.relname AS table_name,
        c.relkind,
        greatest(c.relpages, 0)::bigint AS pages,
        (
            i.indkey::text, i.indclass::text, i.indoption::text, i.indcollation::text, i.indisunique,
            pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid), c.relam
        )::text AS shape
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('analytics', 'internal')
),

judged AS (
    SELECT
        k.name,
        k.table_name,
        k.pages * current_setting('block_size')::bigint AS size_bytes,
        NOT k.indisvalid AS is_invalid,
        (
            SELECT min(o.name)
            FROM known AS o
            WHERE o.indrelid = k.indrelid AND o.shape = k.shape AND o.name < k.name
        ) AS repeats,
        k.relkind = 'i' AND NOT k.indisunique AND coalesce(s.idx_scan, 0) = 0
        AND coalesce(d.stats_reset, pg_postmaster_start_time()) < now() - make_interval(days => %(unused_days)s) AS is_unused
    FROM known AS k
    LEFT JOIN pg_stat_user_indexes AS s ON s.indexrelid = k.indexrelid
    CROSS JOIN pg_stat_database AS d
    WHERE d.datname = current_database()
)

SELECT j.name, j.table_name, j.size_bytes, j.is_invalid, j.repeats, j.is_unused
FROM judged AS j
WHERE j.is_invalid OR j.repeats IS NOT NULL OR j.is_unused
ORDER BY j.name
