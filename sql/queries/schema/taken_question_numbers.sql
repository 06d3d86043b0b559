-- taken_question_numbers: which of some numbers belong to questions already.
-- Parameters: numbers (smallint []). Row: question_id, instrument.
SELECT q.question_id, q.instrument
FROM internal.questions AS q
WHERE q.question_id = ANY(%(numbers)s::smallint [])
ORDER BY q.question_id
