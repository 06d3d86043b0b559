-- register_instrument: writes an instrument that the catalogue does not hold yet.
-- Parameters: name, title, scale_minimum, scale_maximum, minimum_answered_share, definition_digest, source.
-- Row: name (text), if it was written.
INSERT INTO internal.instruments (
    name, title, scale_minimum, scale_maximum, minimum_answered_share, definition_digest, source
)
VALUES (
    %(name)s, %(title)s, %(scale_minimum)s, %(scale_maximum)s,
    %(minimum_answered_share)s, %(definition_digest)s, %(source)s
)
ON CONFLICT DO NOTHING
RETURNING name
