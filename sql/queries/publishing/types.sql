-- types: what some types are.
-- Parameters: oids (oid[]).
-- Row: oid, name, element (name of an array's element type, or null).
SELECT
    t.oid::bigint AS oid,
    t.typname AS name,
    e.typname AS element
FROM pg_type AS t
LEFT JOIN pg_type AS e ON t.typcategory = 'A' AND e.oid = t.typelem
WHERE t.oid = ANY(%(oids)s::oid[])
