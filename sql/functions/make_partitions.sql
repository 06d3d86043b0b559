-- Makes the partitions that the given days need, in every partitioned table, created and then
-- attached: CREATE TABLE ... PARTITION OF would lock readers out, ATTACH does not.
-- Runs with the owner's rights, so that the ingesting login needs none on the schema.
CREATE OR REPLACE FUNCTION internal.make_partitions(days date [], retention_days integer)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted record;
    parent record;
    made integer := 0;
BEGIN
    -- One maker at a time: two would both see a partition missing.
    PERFORM pg_advisory_xact_lock(hashtextextended('internal.make_partitions', 0));
    FOR wanted IN SELECT m.* FROM internal.missing_partitions(days, retention_days) AS m ORDER BY m.lower_bound LOOP
        FOR parent IN SELECT p.* FROM internal.partition_parents() AS p LOOP
            EXECUTE format(
                'CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL)',
                parent.schema_name, parent.table_name || '_' || wanted.suffix,
                parent.schema_name, parent.table_name
            );
            EXECUTE format(
                'ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                parent.schema_name, parent.table_name,
                parent.schema_name, parent.table_name || '_' || wanted.suffix,
                wanted.lower_bound::text || ' 00:00:00+00', wanted.upper_bound::text || ' 00:00:00+00'
            );
        END LOOP;
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION internal.make_partitions(date [], integer) IS 'Makes the partitions that the days need; returns how many periods were made';
