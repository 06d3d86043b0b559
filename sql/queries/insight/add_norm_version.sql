-- add_norm_version: opens a version of the norm tables; it is final once it is published.
-- Parameters: version (text), range_start, range_end, as_of (timestamptz or NULL), has_careless,
--             is_crossed (boolean), minimum_n, responses.
-- Row: version; none when there is one of this name.
INSERT INTO internal.norm_versions (
    version, range_start, range_end, has_careless, minimum_n, is_crossed, responses, as_of
)
VALUES (
    %(version)s, %(range_start)s, %(range_end)s, %(has_careless)s, %(minimum_n)s, %(is_crossed)s,
    %(responses)s, %(as_of)s
)
ON CONFLICT ON CONSTRAINT norm_versions_pkey DO NOTHING
RETURNING version
