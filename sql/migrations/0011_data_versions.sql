-- What: a version of every table people read, noted by the transaction that changes it.
-- Why: a cached answer is right as long as no table that it was read from has another version.
-- Locks: SHARE ROW EXCLUSIVE on each tracked table, for an instant.
-- Way back: drop the triggers note_change, the three functions and the table; answers are then no longer cached.

CREATE TABLE analytics.table_versions (
    table_name text NOT NULL,
    transaction xid8 NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT table_versions_pkey PRIMARY KEY (table_name, transaction)
);
COMMENT ON TABLE analytics.table_versions IS 'Which transactions changed a table last; their set is the version of its content';
COMMENT ON COLUMN analytics.table_versions.table_name IS 'Table or materialized view, with its schema';
COMMENT ON COLUMN analytics.table_versions.transaction IS 'Transaction that changed it';
COMMENT ON COLUMN analytics.table_versions.changed_at IS 'When it began to';

-- Only rows are added, so writers never wait for each other. What a transaction finds of earlier ones
-- it takes away: their place is taken by its own row, which no earlier version had.
CREATE FUNCTION internal.note_change(changed_table text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A server that was restored from a backup gives the numbers of its transactions out again.
    INSERT INTO analytics.table_versions AS v (table_name, transaction)
    VALUES (changed_table, pg_current_xact_id())
    ON CONFLICT ON CONSTRAINT table_versions_pkey DO UPDATE SET changed_at = clock_timestamp()
    WHERE v.changed_at < now();
    IF FOUND THEN
        BEGIN
            DELETE FROM analytics.table_versions AS v
            WHERE v.ctid = ANY (ARRAY(
                SELECT w.ctid
                FROM analytics.table_versions AS w
                WHERE w.table_name = changed_table AND w.transaction <> pg_current_xact_id()
                FOR UPDATE SKIP LOCKED
            ));
        EXCEPTION
            -- In a REPEATABLE READ transaction another one was quicker; the next change will do it.
            WHEN serialization_failure THEN NULL;
        END;
    END IF;
END
$$;
COMMENT ON FUNCTION internal.note_change(text) IS 'Gives a table another version; who changes content where no trigger fires (a partition, a view) calls it';

CREATE FUNCTION internal.note_change_of_table() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM internal.note_change(TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION internal.note_change_of_table() IS 'Notes that a statement changed its table';

CREATE FUNCTION internal.track_changes(VARIADIC tables regclass []) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tracked regclass;
BEGIN
    FOREACH tracked IN ARRAY tables LOOP
        EXECUTE format(
            'CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
            'FOR EACH STATEMENT EXECUTE FUNCTION internal.note_change_of_table()',
            tracked
        );
    END LOOP;
END
$$;
COMMENT ON FUNCTION internal.track_changes(regclass []) IS 'Has every change of these tables noted, so that answers read from them can be cached';

-- The audit log is not among them: every question adds to it. Migrations change what a statement means.
SELECT internal.track_changes(
    'analytics.anonymized_assessments',
    'analytics.anonymized_assessment_responses',
    'analytics.anonymized_question_responses',
    'analytics.anonymized_assessment_scores',
    'analytics.daily_assessment_metrics',
    'analytics.ocean_trait_distributions',
    'analytics.benchmarking_data',
    'analytics.dual_ai_validation_metrics',
    'analytics.predictive_analytics_results',
    'analytics.processing_jobs',
    'analytics.data_quality_metrics',
    'analytics.system_health_metrics',
    'internal.trait_states',
    'internal.schema_history'
);
