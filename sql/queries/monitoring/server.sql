-- server: figures of the server as a whole and of this database; what the login may not see is NULL.
-- Row: one; counters since the statistics were last reset.
SELECT
    pg_database_size(current_database())::double precision AS size_bytes,
    (SELECT sum(a.numbackends) FROM pg_stat_database AS a)::double precision AS connections,
    100.0 * (SELECT sum(a.numbackends) FROM pg_stat_database AS a)
    / current_setting('max_connections')::double precision AS connections_percent,
    100.0 * d.blks_hit / nullif(d.blks_hit + d.blks_read, 0)::double precision AS cache_hit_percent,
    (d.blks_hit + d.blks_read)::double precision AS block_reads,
    d.xact_commit::double precision AS commits,
    d.xact_rollback::double precision AS rollbacks,
    d.deadlocks::double precision AS deadlocks,
    d.temp_bytes::double precision AS temp_bytes,
    x.age::double precision AS xid_age,
    100.0 * x.age / 2147483648.0::double precision AS xid_percent,
    (SELECT count(*) FROM pg_locks AS l WHERE NOT l.granted)::double precision AS waiting_locks,
    CASE
        WHEN pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') THEN (
            SELECT coalesce(extract(EPOCH FROM max(now() - a.xact_start)), 0)
            FROM pg_stat_activity AS a
            WHERE a.pid <> pg_backend_pid()
        )
    END::double precision AS transaction_seconds,
    (SELECT w.wal_bytes FROM pg_stat_wal AS w)::double precision AS wal_bytes,
    (
        SELECT
            CASE
                WHEN a.last_failed_time > coalesce(a.last_archived_time, '-infinity')
                    THEN extract(EPOCH FROM now() - coalesce(a.last_archived_time, a.stats_reset))
                ELSE 0
            END
        FROM pg_stat_archiver AS a
    )::double precision AS unarchived_seconds,
    (SELECT count(*) FROM pg_stat_replication)::double precision AS replicas,
    CASE
        WHEN NOT pg_is_in_recovery() THEN (
            SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)) FROM pg_stat_replication AS r
        )
    END::double precision AS replication_lag_bytes,
    (
        SELECT count(*)
        FROM pg_stat_user_tables AS t
        INNER JOIN pg_class AS c ON c.oid = t.relid
        WHERE
            t.n_dead_tup > 2 * (
                current_setting('autovacuum_vacuum_threshold')::double precision
                + current_setting('autovacuum_vacuum_scale_factor')::double precision * greatest(c.reltuples, 0)
            )
    )::double precision AS tables_behind_vacuum
FROM pg_stat_database AS d
CROSS JOIN (SELECT max(age(b.datfrozenxid)) AS age FROM pg_database AS b) AS x
WHERE d.datname = current_database()
