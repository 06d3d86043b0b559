-- unused_indexes: indexes that no scan has used; those of partitions stand together under their table's.
-- Parameters: minimum_bytes (bigint), days (double precision).
-- Row: table_name, index_name, size_bytes, writes, days_observed.
WITH grouped AS (
    SELECT
        coalesce(p.inhparent, s.indexrelid) AS index_id,
        sum(s.idx_scan) AS scans,
        sum(pg_relation_size(s.indexrelid)) AS size_bytes,
        sum(t.n_tup_ins + t.n_tup_upd) AS writes
    FROM pg_stat_user_indexes AS s
    INNER JOIN pg_stat_user_tables AS t ON t.relid = s.relid
    INNER JOIN pg_index AS i ON i.indexrelid = s.indexrelid
    LEFT JOIN pg_inherits AS p ON p.inhrelid = s.indexrelid
    WHERE s.schemaname IN ('analytics', 'internal') AND NOT i.indisunique AND i.indisvalid
    GROUP BY 1
),

observed AS (
    SELECT
        extract(EPOCH FROM now() - coalesce(d.stats_reset, (
            SELECT min(h.applied_at) FROM internal.schema_history AS h
        ))) / 86400 AS days
    FROM pg_stat_database AS d
    WHERE d.datname = current_database()
)

SELECT
    i.indrelid::regclass::text AS table_name,
    g.index_id::regclass::text AS index_name,
    g.size_bytes::bigint AS size_bytes,
    g.writes::bigint AS writes,
    o.days::double precision AS days_observed
FROM grouped AS g
INNER JOIN pg_index AS i ON i.indexrelid = g.index_id
CROSS JOIN observed AS o
WHERE g.scans = 0 AND g.size_bytes >= %(minimum_bytes)s AND o.days >= %(days)s
ORDER BY g.size_bytes DESC
