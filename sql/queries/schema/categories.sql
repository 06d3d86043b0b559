-- categories: every category with its number.
-- Row: vocabulary (text), code (smallint), name (text).
SELECT c.vocabulary, c.code, c.name
FROM internal.categories AS c
ORDER BY c.vocabulary, c.code
