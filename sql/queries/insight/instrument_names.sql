-- instrument_names: the registered instruments.
-- Row: name.
SELECT i.name
FROM internal.instruments AS i
