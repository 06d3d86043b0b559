-- questions: every question of the catalogue, in the order of the answer vectors.
-- Row: instrument, code, trait, is_reversed, position, question_id.
SELECT q.instrument, q.code, q.trait::text, q.is_reversed, q.position, q.question_id
FROM internal.questions AS q
ORDER BY q.instrument, q.question_id
