-- norms: the groups of a version of the norm tables.
-- Parameters: version (text), instrument, dimension (text or NULL: all).
-- Row: instrument, dimension, region, gender, age_band (all: not split by), counts (packed).
SELECT
    c.instrument,
    c.dimension::text AS dimension,
    c.region,
    c.gender,
    c.age_band,
    c.counts
FROM internal.norm_counts AS c
WHERE c.version = %(version)s
    AND (%(instrument)s::text IS NULL OR c.instrument = %(instrument)s)
    AND (%(dimension)s::text IS NULL OR c.dimension::text = %(dimension)s)
