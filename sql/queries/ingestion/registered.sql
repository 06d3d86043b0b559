-- registered: what is stored of the given responses; the rows are locked against another batch.
-- Parameters: ids (uuid [] as text).
-- Row: response_hash, created_at, assessment_hash, version, response_content, response_batch, then
--      version and batch of answers, scores and validations, and whether the rows are sealed.
SELECT
    r.response_hash,
    r.created_at,
    r.assessment_hash,
    r.version,
    r.response_content,
    r.response_batch,
    r.answers_version,
    r.answers_batch,
    r.scores_version,
    r.scores_batch,
    r.validations_version,
    r.validations_batch,
    EXISTS(
        SELECT 1 FROM internal.sealed_months AS s
        WHERE s.month = date_trunc('month', r.created_at, 'UTC')::date AND r.response_batch <= s.last_batch
    ) AS is_sealed
FROM internal.response_registry AS r
WHERE r.response_hash = ANY(%(ids)s::uuid [])
ORDER BY r.response_hash
FOR UPDATE OF r
