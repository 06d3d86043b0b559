-- undo_children: takes out the children of a batch that belong to responses of other batches. Scores
-- that the platform made from the answers go with them.
-- Parameters: batch_id (bigint). Row: 0, answers, scores, validations removed.
WITH touched AS (
    SELECT
        r.response_hash AS id,
        r.created_at,
        r.answers_batch IS NOT DISTINCT FROM %(batch_id)s AS has_answers,
        r.scores_batch IS NOT DISTINCT FROM %(batch_id)s AS has_scores,
        r.validations_batch IS NOT DISTINCT FROM %(batch_id)s AS has_validations
    FROM internal.response_registry AS r
    WHERE r.response_batch <> %(batch_id)s
        AND %(batch_id)s IN (r.answers_batch, r.scores_batch, r.validations_batch)
),
answers AS (
    DELETE FROM analytics.anonymized_question_responses AS q
    USING touched AS t
    WHERE t.has_answers AND q.created_at = t.created_at AND q.response_hash = t.id
    RETURNING 1
),
vectors AS (
    DELETE FROM internal.answer_vectors AS v
    USING touched AS t
    WHERE t.has_answers AND v.created_at = t.created_at AND v.response_hash = t.id
),
scores AS (
    DELETE FROM analytics.anonymized_assessment_scores AS s
    USING touched AS t
    WHERE (t.has_answers OR t.has_scores) AND s.batch_id = %(batch_id)s
        AND s.created_at = t.created_at AND s.response_hash = t.id
    RETURNING 1
),
validations AS (
    DELETE FROM internal.ai_validations AS v
    USING touched AS t
    WHERE t.has_validations AND v.created_at = t.created_at AND v.response_hash = t.id
    RETURNING 1
),
registry AS (
    UPDATE internal.response_registry AS r
    SET
        answers_version = CASE WHEN t.has_answers THEN NULL ELSE r.answers_version END,
        answers_batch = CASE WHEN t.has_answers THEN NULL ELSE r.answers_batch END,
        scores_version = CASE WHEN t.has_scores THEN NULL ELSE r.scores_version END,
        scores_batch = CASE WHEN t.has_scores THEN NULL ELSE r.scores_batch END,
        validations_version = CASE WHEN t.has_validations THEN NULL ELSE r.validations_version END,
        validations_batch = CASE WHEN t.has_validations THEN NULL ELSE r.validations_batch END
    FROM touched AS t
    WHERE r.response_hash = t.id
)
SELECT
    0 AS responses,
    (SELECT count(*) FROM answers) AS answers,
    (SELECT count(*) FROM scores) AS scores,
    (SELECT count(*) FROM validations) AS validations
