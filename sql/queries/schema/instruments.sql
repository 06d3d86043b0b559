-- instruments: every instrument of the catalogue.
-- Row: name, title, scale_minimum, scale_maximum, minimum_answered_share, source.
SELECT i.name, i.title, i.scale_minimum, i.scale_maximum, i.minimum_answered_share, i.source
FROM internal.instruments AS i
ORDER BY i.name
