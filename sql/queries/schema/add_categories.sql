-- add_categories: numbers the names of an open vocabulary that have no number yet.
-- Parameters: vocabulary (text), names (text []).
INSERT INTO internal.categories (vocabulary, code, name)
SELECT
    %(vocabulary)s::text,
    (
        SELECT coalesce(max(c.code) + 1, 0)
        FROM internal.categories AS c
        WHERE c.vocabulary = %(vocabulary)s::text
    ) + row_number() OVER (ORDER BY n.name) - 1,
    n.name
FROM unnest(%(names)s::text []) AS n (name)
WHERE NOT EXISTS (
    SELECT 1 FROM internal.categories AS k
    WHERE k.vocabulary = %(vocabulary)s::text AND k.name = n.name
)
