-- reclaim_settled: what a batch brought and a later one took from the quarantine belongs to it again,
-- so that undoing it takes that out too. What was given again, to replace, belongs to its second delivery.
-- Parameters: batch_id (bigint). Row: batch_id of each batch that had taken some of it.
WITH settled AS (
    SELECT DISTINCT q.kind, q.record_id, q.settled_by
    FROM internal.quarantine AS q
    INNER JOIN internal.batches AS b ON b.batch_id = q.settled_by
    WHERE q.batch_id = %(batch_id)s AND q.status = 'settled' AND q.settled_by <> %(batch_id)s
        AND (q.rule <> 'conflict' OR (b.receipt ->> 'accepted')::bigint = 0)
),
owned AS (
    SELECT
        r.response_hash,
        bool_or(s.kind = 'responses' AND s.settled_by = r.response_batch) AS has_response,
        bool_or(s.kind = 'question_responses' AND s.settled_by = r.answers_batch) AS has_answers,
        bool_or(s.kind = 'scores' AND s.settled_by = r.scores_batch) AS has_scores,
        bool_or(s.kind = 'ai_validations' AND s.settled_by = r.validations_batch) AS has_validations
    FROM settled AS s
    INNER JOIN internal.response_registry AS r ON r.response_hash = s.record_id
    GROUP BY r.response_hash
),
registry AS (
    UPDATE internal.response_registry AS r
    SET
        response_batch = CASE WHEN o.has_response THEN %(batch_id)s ELSE r.response_batch END,
        answers_batch = CASE WHEN o.has_answers THEN %(batch_id)s ELSE r.answers_batch END,
        scores_batch = CASE WHEN o.has_scores THEN %(batch_id)s ELSE r.scores_batch END,
        validations_batch = CASE WHEN o.has_validations THEN %(batch_id)s ELSE r.validations_batch END
    FROM owned AS o
    WHERE r.response_hash = o.response_hash
)
SELECT DISTINCT s.settled_by AS batch_id FROM settled AS s
