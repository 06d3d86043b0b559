-- Unpacks the counts of a trait state: 13 bytes each, (trait u1, score f8, n u4), big-endian.
-- A score is put together from the parts of its IEEE 754 double, exactly: scores are 0 or normal.
CREATE OR REPLACE FUNCTION internal.unpack_counts(counts bytea)
RETURNS TABLE (trait smallint, score double precision, n bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT
        get_byte(counts, r.at)::smallint,
        CASE
            WHEN b.bits = 0 THEN 0::double precision
            ELSE (1 + (b.bits & 4503599627370495)::double precision / 4503599627370496)
                * power(2::double precision, ((b.bits >> 52) - 1023)::double precision)
        END,
        ('x' || encode(substring(counts FROM r.at + 10 FOR 4), 'hex'))::bit(32)::bigint
    FROM generate_series(0, length(counts) - 13, 13) AS r (at)
    CROSS JOIN LATERAL (
        SELECT ('x' || encode(substring(counts FROM r.at + 2 FOR 8), 'hex'))::bit(64)::bigint
    ) AS b (bits)
$$;
COMMENT ON FUNCTION internal.unpack_counts(bytea) IS 'Counts per distinct score of a packed trait state, as rows';
