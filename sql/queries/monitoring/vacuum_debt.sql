-- vacuum_debt: tables with many dead rows that autovacuum has not come round to.
-- Parameters: minimum_dead (bigint). Row: table_name, live, dead, dead_percent, last_vacuum.
SELECT
    t.relid::regclass::text AS table_name,
    t.n_live_tup AS live,
    t.n_dead_tup AS dead,
    100.0 * t.n_dead_tup / nullif(t.n_live_tup + t.n_dead_tup, 0)::double precision AS dead_percent,
    greatest(t.last_autovacuum, t.last_vacuum) AS last_vacuum
FROM pg_stat_user_tables AS t
WHERE
    t.schemaname IN ('analytics', 'internal')
    AND t.n_dead_tup >= %(minimum_dead)s AND t.n_dead_tup >= 0.3 * (t.n_live_tup + t.n_dead_tup)
ORDER BY t.n_dead_tup DESC
