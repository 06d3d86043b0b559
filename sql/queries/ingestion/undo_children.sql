-- undo_children: takes out the children of a batch that belong to responses of other batches. Scores
-- that the platform made from the answers go with them, and so does the flag of careless ones.
-- Parameters: batch_id (bigint).
-- Row: 0, answers, scores, validations removed, responses whose stored answers have no scores now.
WITH touched AS (
    SELECT
        r.response_hash AS id,
        r.created_at,
        r.answers_version IS NOT NULL AS is_answered,
        r.scores_batch IS NULL AS is_scored_by_us,
        coalesce(r.answers_batch = %(batch_id)s, FALSE) AS has_answers,
        coalesce(r.scores_batch = %(batch_id)s, FALSE) AS has_scores,
        coalesce(r.validations_batch = %(batch_id)s, FALSE) AS has_validations
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
    WHERE (t.has_scores OR (t.has_answers AND t.is_scored_by_us))
        AND s.created_at = t.created_at AND s.response_hash = t.id
    RETURNING 1
),
validations AS (
    DELETE FROM internal.ai_validations AS v
    USING touched AS t
    WHERE t.has_validations AND v.created_at = t.created_at AND v.response_hash = t.id
    RETURNING 1
),
flags AS (
    UPDATE analytics.anonymized_assessment_responses AS r
    SET is_careless = FALSE
    FROM touched AS t
    WHERE t.has_answers AND r.created_at = t.created_at AND r.id = t.id AND r.is_careless
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
    (SELECT count(*) FROM validations) AS validations,
    (SELECT array_agg(t.id) FROM touched AS t WHERE t.has_scores AND t.is_answered AND NOT t.has_answers) AS unscored
