-- instrument_digest: the digest of the stored definition.
-- Parameters: name (text). Row: definition_digest (text).
SELECT i.definition_digest FROM internal.instruments AS i WHERE i.name = %(name)s
