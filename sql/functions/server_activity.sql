-- What the server's own statistics say of its work; where they stand differs between versions.
CREATE OR REPLACE FUNCTION internal.server_activity()
RETURNS TABLE (metric text, value double precision)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statistics regclass;
BEGIN
    -- From 17 on checkpoints have a view of their own.
    IF to_regclass('pg_catalog.pg_stat_checkpointer') IS NOT NULL THEN
        RETURN QUERY EXECUTE
            'SELECT v.* FROM pg_stat_checkpointer AS c CROSS JOIN LATERAL (VALUES'
            ' (''checkpoints_timed'', c.num_timed::double precision),'
            ' (''checkpoints_requested'', c.num_requested::double precision),'
            ' (''checkpoint_write_seconds'', c.write_time / 1000)) AS v';
    ELSE
        RETURN QUERY EXECUTE
            'SELECT v.* FROM pg_stat_bgwriter AS c CROSS JOIN LATERAL (VALUES'
            ' (''checkpoints_timed'', c.checkpoints_timed::double precision),'
            ' (''checkpoints_requested'', c.checkpoints_req::double precision),'
            ' (''checkpoint_write_seconds'', c.checkpoint_write_time / 1000)) AS v';
    END IF;
    -- Since 16.
    IF to_regclass('pg_catalog.pg_stat_io') IS NOT NULL THEN
        RETURN QUERY EXECUTE
            'SELECT v.* FROM (SELECT sum(s.reads) AS reads, sum(s.writes + s.extends) AS writes,'
            ' sum(s.evictions) AS evictions FROM pg_stat_io AS s) AS i CROSS JOIN LATERAL (VALUES'
            ' (''io_reads'', i.reads::double precision), (''io_writes'', i.writes::double precision),'
            ' (''buffer_evictions'', i.evictions::double precision)) AS v';
    END IF;
    SELECT c.oid::regclass INTO statistics
    FROM pg_extension AS e
    INNER JOIN pg_class AS c ON c.relnamespace = e.extnamespace AND c.relname = 'pg_stat_statements'
    WHERE e.extname = 'pg_stat_statements';
    IF statistics IS NOT NULL THEN
        BEGIN
            RETURN QUERY EXECUTE format(
                'SELECT v.* FROM (SELECT sum(s.calls) AS calls, sum(s.total_exec_time) AS spent FROM %s AS s'
                ' INNER JOIN pg_database AS d ON d.oid = s.dbid WHERE d.datname = current_database()) AS t'
                ' CROSS JOIN LATERAL (VALUES (''statement_calls'', t.calls::double precision),'
                ' (''statement_seconds'', t.spent / 1000)) AS v', statistics);
        EXCEPTION
            -- Made in the database, but the server was not started with it.
            WHEN object_not_in_prerequisite_state OR insufficient_privilege THEN NULL;
        END;
    END IF;
    RETURN QUERY
    SELECT 'autovacuum_workers', count(*)::double precision
    FROM pg_stat_activity AS a WHERE a.backend_type = 'autovacuum worker'
    UNION ALL
    SELECT 'autovacuums', coalesce(sum(t.autovacuum_count), 0)::double precision
    FROM pg_stat_user_tables AS t;
END
$$;
COMMENT ON FUNCTION internal.server_activity() IS 'Checkpoints, blocks read and written, statements and autovacuum, as far as this server tells';
