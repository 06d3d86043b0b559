-- open_advice: advice that held at the last look.
-- Row: id (bigint), topic, subject, measure, lever (text), evidence (jsonb).
SELECT
    g.id,
    g.topic,
    g.subject,
    g.measure,
    g.lever,
    g.evidence
FROM internal.given_advice AS g
WHERE g.ended_at IS NULL
ORDER BY g.id
