-- Whether a legal hold keeps what happened at a moment from going.
CREATE OR REPLACE FUNCTION internal.is_held(held_tier text, moment timestamptz)
RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS(
        SELECT 1 FROM internal.retention_holds AS h
        WHERE h.released_at IS NULL AND (h.tier IS NULL OR h.tier = held_tier)
            AND (h.starts_on IS NULL OR (moment AT TIME ZONE 'UTC')::date >= h.starts_on)
            AND (h.ends_on IS NULL OR (moment AT TIME ZONE 'UTC')::date < h.ends_on)
    )
$$;
COMMENT ON FUNCTION internal.is_held(text, timestamptz) IS 'Whether a legal hold keeps what happened at a moment from going';
