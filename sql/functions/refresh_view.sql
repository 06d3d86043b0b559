-- Refreshes one materialized view for a login that does not own it.
CREATE OR REPLACE FUNCTION internal.refresh_view(view_name text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF view_name NOT LIKE 'mv\_%' THEN
        RAISE EXCEPTION '% is no materialized view of this platform', view_name USING ERRCODE = 'undefined_table';
    END IF;
    EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY analytics.%I', view_name);
    -- Views can have no triggers.
    PERFORM internal.note_change('analytics.' || view_name);
END
$$;
COMMENT ON FUNCTION internal.refresh_view(text) IS 'Refreshes one materialized view concurrently';
