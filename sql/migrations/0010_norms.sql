-- What: norm tables by version, and which of them was given to the stored scores; intervals of AI agreement.
-- Why: a percentile of a stated version must come out the same years later, whatever was loaded or undone since;
--      a released coefficient without its interval says too much.
-- Locks: ACCESS EXCLUSIVE on dual_ai_validation_metrics for an instant; the other tables are new.
-- Way back: drop the tables, functions and columns; percentiles of stored scores stay, but cannot be made again.

CREATE TABLE internal.norm_versions (
    version text NOT NULL,
    range_start timestamptz,
    range_end timestamptz,
    has_careless boolean NOT NULL,
    minimum_n integer NOT NULL,
    is_crossed boolean NOT NULL,
    responses bigint NOT NULL,
    as_of timestamptz,
    published_at timestamptz,
    CONSTRAINT norm_versions_pkey PRIMARY KEY (version),
    CONSTRAINT norm_versions_version_check CHECK (version ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$')
);
COMMENT ON TABLE internal.norm_versions IS 'Versions of the norm tables; a published one never changes';
COMMENT ON COLUMN internal.norm_versions.version IS 'Its name, as stored with every percentile';
COMMENT ON COLUMN internal.norm_versions.range_start IS 'Responses started from here on; NULL: from the first';
COMMENT ON COLUMN internal.norm_versions.range_end IS 'Responses started before this; NULL: up to the last';
COMMENT ON COLUMN internal.norm_versions.has_careless IS 'Whether responses flagged as careless are in it';
COMMENT ON COLUMN internal.norm_versions.minimum_n IS 'Fewest scores of a norm group';
COMMENT ON COLUMN internal.norm_versions.is_crossed IS 'Whether groups of region with gender or age band are in it: they need rows';
COMMENT ON COLUMN internal.norm_versions.responses IS 'Scored responses that it was made from';
COMMENT ON COLUMN internal.norm_versions.as_of IS 'When the newest of its batches had been loaded';
COMMENT ON COLUMN internal.norm_versions.published_at IS 'When it was published; it is final from then on';

CREATE TABLE internal.norm_counts (
    version text NOT NULL,
    instrument text NOT NULL,
    dimension analytics.ocean_dimension NOT NULL,
    region text NOT NULL,
    gender text NOT NULL,
    age_band text NOT NULL,
    sample_size bigint NOT NULL,
    counts bytea NOT NULL,
    CONSTRAINT norm_counts_pkey PRIMARY KEY (version, instrument, dimension, region, gender, age_band),
    CONSTRAINT norm_counts_version_fkey FOREIGN KEY (version) REFERENCES internal.norm_versions (version)
);
COMMENT ON TABLE internal.norm_counts IS 'Scores of each norm group that is large enough, as counts per distinct score';
COMMENT ON COLUMN internal.norm_counts.version IS 'Version of the norm tables';
COMMENT ON COLUMN internal.norm_counts.instrument IS 'Questionnaire';
COMMENT ON COLUMN internal.norm_counts.dimension IS 'The trait';
COMMENT ON COLUMN internal.norm_counts.region IS 'Region of the group, or all';
COMMENT ON COLUMN internal.norm_counts.gender IS 'Gender of the group, or all';
COMMENT ON COLUMN internal.norm_counts.age_band IS 'Age band of the group, or all';
COMMENT ON COLUMN internal.norm_counts.sample_size IS 'Scores in the group';
COMMENT ON COLUMN internal.norm_counts.counts IS 'Packed (trait u1, score f8, n u4), big-endian, sorted: as in trait_states';
-- Packed bytes are read whole and at once: in line as long as they fit, and not compressed twice.
ALTER TABLE internal.norm_counts ALTER COLUMN counts SET STORAGE MAIN;

CREATE TABLE internal.norm_applications (
    id bigint GENERATED ALWAYS AS IDENTITY,
    version text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT norm_applications_pkey PRIMARY KEY (id),
    CONSTRAINT norm_applications_version_fkey FOREIGN KEY (version) REFERENCES internal.norm_versions (version)
);
COMMENT ON TABLE internal.norm_applications IS 'Which version was given to the stored scores, and when; the newest is the current one';
COMMENT ON COLUMN internal.norm_applications.id IS 'Number, ascending';
COMMENT ON COLUMN internal.norm_applications.version IS 'Version of the norm tables';
COMMENT ON COLUMN internal.norm_applications.applied_at IS 'When it became the current one';

CREATE FUNCTION internal.keep_norm_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'norm version % is published and final: % is refused', OLD.version, TG_OP
        USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION internal.keep_norm_version() IS 'Keeps published norm versions as they are, for their owner too';

CREATE FUNCTION internal.keep_norm_counts() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    owners text [] := CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[NEW.version]
        WHEN 'DELETE' THEN ARRAY[OLD.version]
        ELSE ARRAY[OLD.version, NEW.version]
    END;
BEGIN
    IF EXISTS (
        SELECT FROM internal.norm_versions AS v
        WHERE v.version = ANY(owners) AND v.published_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'norm version % is published and final: % is refused', owners[1], TG_OP
        USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION internal.keep_norm_counts() IS 'Keeps the groups of published norm versions as they are';

CREATE FUNCTION internal.refuse_truncating_norms() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'norm tables are final: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION internal.refuse_truncating_norms() IS 'Keeps norm tables from being emptied at once';

CREATE TRIGGER norm_versions_final
BEFORE UPDATE OR DELETE ON internal.norm_versions
FOR EACH ROW EXECUTE FUNCTION internal.keep_norm_version();

CREATE TRIGGER norm_counts_final
BEFORE INSERT OR UPDATE OR DELETE ON internal.norm_counts
FOR EACH ROW EXECUTE FUNCTION internal.keep_norm_counts();

CREATE TRIGGER norm_versions_whole
BEFORE TRUNCATE ON internal.norm_versions
FOR EACH STATEMENT EXECUTE FUNCTION internal.refuse_truncating_norms();

CREATE TRIGGER norm_counts_whole
BEFORE TRUNCATE ON internal.norm_counts
FOR EACH STATEMENT EXECUTE FUNCTION internal.refuse_truncating_norms();

ALTER TABLE analytics.dual_ai_validation_metrics
ADD COLUMN icc_low double precision,
ADD COLUMN icc_high double precision,
ADD COLUMN weighted_kappa_low double precision,
ADD COLUMN weighted_kappa_high double precision,
ADD COLUMN agreement_rate_low double precision,
ADD COLUMN agreement_rate_high double precision;
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.icc_low IS 'Lower limit of its 95 % interval (Shrout and Fleiss); NULL where the formula has no value';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.icc_high IS 'Upper limit';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.weighted_kappa_low IS 'Lower limit of its 95 % interval (Fleiss, Cohen and Everitt)';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.weighted_kappa_high IS 'Upper limit';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.agreement_rate_low IS 'Lower limit of its 95 % interval (Wilson)';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.agreement_rate_high IS 'Upper limit';
