-- object_facts: what advice on an index, table or partition is judged by now; NULL names what is gone.
-- Parameters: subject, table_name (text).
-- Row: index_name, partition_name (text), size_bytes (bigint), dead_percent (double precision),
--   last_vacuum (timestamptz), index_count, invalid (bigint; invalid: 1 for such an index, else 0).
SELECT
    to_regclass(nullif(%(subject)s, ''))::text AS index_name,
    to_regclass(nullif(%(subject)s, ''))::text AS partition_name,
    coalesce(pg_total_relation_size(to_regclass(nullif(%(subject)s, ''))), 0)::bigint AS size_bytes,
    coalesce(100.0 * t.n_dead_tup / nullif(t.n_live_tup + t.n_dead_tup, 0), 0)::double precision AS dead_percent,
    greatest(t.last_autovacuum, t.last_vacuum) AS last_vacuum,
    (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = to_regclass(%(table_name)s)) AS index_count,
    (
        SELECT count(*) FROM pg_index AS i
        WHERE i.indexrelid = to_regclass(nullif(%(subject)s, '')) AND NOT i.indisvalid
    ) AS invalid
FROM (SELECT 1) AS one
LEFT JOIN pg_stat_user_tables AS t ON t.relid = to_regclass(nullif(%(subject)s, ''))
