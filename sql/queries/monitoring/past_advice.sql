-- past_advice: advice that was given, the newest first.
-- Row: topic, subject, description, measure (text), first_given_at, taken_at, ended_at (timestamptz),
--   before, after (double precision).
SELECT
    g.topic,
    g.subject,
    g.description,
    g.measure,
    g.first_given_at,
    g.taken_at,
    g.ended_at,
    g.value_before AS before,
    g.value_after AS after
FROM internal.given_advice AS g
ORDER BY g.id DESC
LIMIT 200
