-- What: the two schemas and the trait type.
-- Why: readers see `analytics` (the seed's names); ledgers, states and catalogues stay in `internal`.
-- Locks: none that matter, the database is new.
-- Way back: drop both schemas (all data are lost).

CREATE SCHEMA IF NOT EXISTS analytics;
COMMENT ON SCHEMA analytics IS 'Pseudonymised records, released figures, monitoring: the tables that people and tools read';

CREATE SCHEMA IF NOT EXISTS internal;
COMMENT ON SCHEMA internal IS 'Ledgers, mergeable states, catalogues: what the platform keeps for itself';

CREATE TYPE analytics.ocean_dimension AS ENUM (
    'openness', 'conscientiousness', 'extraversion', 'agreeableness', 'neuroticism'
);
COMMENT ON TYPE analytics.ocean_dimension IS 'The five traits, in the order in which every vector of the platform holds them';

-- Wide JSONB compresses better and faster with lz4; servers built without it keep pglz.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET default_toast_compression = ''lz4''', current_database());
EXCEPTION
    WHEN invalid_parameter_value THEN
        RAISE NOTICE 'this server has no lz4; TOAST keeps pglz';
END
$$;
