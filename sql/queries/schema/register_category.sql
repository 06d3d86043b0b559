-- register_category: writes one category of a closed vocabulary.
-- Parameters: vocabulary (text), code (smallint), name (text).
INSERT INTO internal.categories (vocabulary, code, name)
VALUES (%(vocabulary)s, %(code)s, %(name)s)
ON CONFLICT DO NOTHING
