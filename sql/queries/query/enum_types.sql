-- enum_types: which of some types are enums.
-- Parameters: types (oid []).
-- Row: oid (bigint).
SELECT t.oid::bigint AS oid
FROM pg_catalog.pg_type AS t
WHERE t.typtype = 'e' AND t.oid = ANY(%(types)s::oid [])
