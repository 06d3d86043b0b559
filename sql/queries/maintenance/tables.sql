-- tables: what every table and partition of the platform needs care for.
-- Sizes are those of the last VACUUM: asking for exact ones would wait for locks.
-- Row: name (schema.table), is_parent, live_rows, dead_rows, changed_rows (since its last ANALYZE),
-- analyzed_at, children_analyzed_at (newest of its partitions), has_rows, size_bytes, expected_bytes,
-- frozen_age, freeze_limit. Expected: 28 bytes of header and pointer for each row and the mean width of its columns,
-- rounded up to 8, on pages that are filled but for their own header.
SELECT
    n.nspname || '.' || c.relname AS name,
    c.relkind = 'p' AS is_parent,
    coalesce(s.n_live_tup, 0) AS live_rows,
    coalesce(s.n_dead_tup, 0) AS dead_rows,
    coalesce(s.n_mod_since_analyze, 0) AS changed_rows,
    greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at,
    children.analyzed_at AS children_analyzed_at,
    CASE WHEN c.relkind = 'p' THEN coalesce(children.live_rows, 0) ELSE coalesce(s.n_live_tup, 0) END > 0 AS has_rows,
    greatest(c.relpages, 0)::bigint * current_setting('block_size')::bigint AS size_bytes,
    CASE
        WHEN c.relkind = 'r' AND c.reltuples > 0 AND widths.width IS NOT NULL
            THEN
                ceil(
                    c.reltuples
                    / greatest(
                        floor((current_setting('block_size')::double precision - 24) / (28 + 8 * ceil(widths.width / 8))), 1
                    )
                )::bigint * current_setting('block_size')::bigint
        ELSE 0
    END AS expected_bytes,
    CASE WHEN c.relkind = 'p' THEN 0 ELSE age(c.relfrozenxid) END AS frozen_age,
    current_setting('autovacuum_freeze_max_age')::bigint AS freeze_limit
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid
LEFT JOIN LATERAL (
    SELECT
        max(greatest(cs.last_analyze, cs.last_autoanalyze)) AS analyzed_at,
        sum(cs.n_live_tup) AS live_rows
    FROM pg_inherits AS i
    JOIN pg_stat_user_tables AS cs ON cs.relid = i.inhrelid
    WHERE i.inhparent = c.oid
) AS children ON c.relkind = 'p'
LEFT JOIN LATERAL (
    SELECT sum((1 - p.null_frac) * p.avg_width) AS width
    FROM pg_stats AS p
    WHERE p.schemaname = n.nspname AND p.tablename = c.relname AND NOT p.inherited
) AS widths ON c.relkind = 'r'
WHERE n.nspname IN ('analytics', 'internal') AND c.relkind IN ('r', 'p')
ORDER BY 1
