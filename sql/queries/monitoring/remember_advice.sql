-- remember_advice: keeps an advice; one that holds already keeps its first evidence.
-- Parameters: topic, subject, description, measure, lever (text), evidence (jsonb), value (double precision).
INSERT INTO internal.given_advice (topic, subject, description, measure, lever, evidence, value_before)
VALUES (%(topic)s, %(subject)s, %(description)s, %(measure)s, %(lever)s, %(evidence)s, %(value)s)
ON CONFLICT (topic, subject) WHERE ended_at IS NULL DO UPDATE SET last_given_at = now()
