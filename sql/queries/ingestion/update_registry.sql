-- update_registry: writes back what is stored of known responses.
-- Parameters: ids, assessments (uuid [] as text), created, versions, answers_versions,
--             scores_versions, validations_versions (timestamptz [] as text), batches, contents,
--             answers_batches, scores_batches, validations_batches (bigint []).
UPDATE internal.response_registry AS r
SET
    created_at = k.created_at,
    assessment_hash = k.assessment_hash,
    version = k.version,
    response_batch = k.response_batch,
    response_content = k.response_content,
    answers_version = k.answers_version,
    answers_batch = k.answers_batch,
    scores_version = k.scores_version,
    scores_batch = k.scores_batch,
    validations_version = k.validations_version,
    validations_batch = k.validations_batch
FROM unnest(
    %(ids)s::uuid [], %(created)s::timestamptz [], %(assessments)s::uuid [],
    %(versions)s::timestamptz [], %(batches)s::bigint [], %(contents)s::bigint [],
    %(answers_versions)s::timestamptz [], %(answers_batches)s::bigint [],
    %(scores_versions)s::timestamptz [], %(scores_batches)s::bigint [],
    %(validations_versions)s::timestamptz [], %(validations_batches)s::bigint []
) AS k (
    id, created_at, assessment_hash, version, response_batch, response_content, answers_version,
    answers_batch, scores_version, scores_batch, validations_version, validations_batch
)
WHERE r.response_hash = k.id
