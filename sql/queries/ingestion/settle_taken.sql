-- settle_taken: marks the conflicts whose content a batch just stored, whichever file it came in.
-- Parameters: batch_id (bigint).
WITH waiting AS MATERIALIZED (
    SELECT q.id, q.kind, q.record, q.record_id
    FROM internal.quarantine AS q
    WHERE q.status = 'waiting' AND q.rule = 'conflict'
),
registered AS (
    SELECT w.id, w.kind, w.record, r.response_hash, r.created_at
    FROM waiting AS w
    INNER JOIN internal.response_registry AS r ON r.response_hash = w.record_id
    WHERE %(batch_id)s IN (r.response_batch, r.answers_batch, r.scores_batch, r.validations_batch)
),
taken AS (
    SELECT w.id
    FROM waiting AS w
    CROSS JOIN LATERAL jsonb_populate_record(NULL::analytics.anonymized_assessments, w.record) AS p
    INNER JOIN analytics.anonymized_assessments AS a ON a.id = w.record_id AND a.batch_id = %(batch_id)s
    WHERE w.kind = 'assessments'
        AND (
            a.org_hash, a.industry_category, a.org_size_category, a.region, a.assessment_type, a.instrument,
            a.status, a.question_count, a.created_at, a.published_at, a.updated_at
        ) IS NOT DISTINCT FROM (
            p.org_hash, p.industry_category, p.org_size_category, p.region, p.assessment_type, p.instrument,
            p.status, p.question_count, p.created_at, p.published_at, p.updated_at
        )
    UNION ALL
    SELECT g.id
    FROM registered AS g
    CROSS JOIN LATERAL jsonb_populate_record(NULL::analytics.anonymized_assessment_responses, g.record) AS p
    INNER JOIN analytics.anonymized_assessment_responses AS r
        ON r.created_at = g.created_at AND r.id = g.response_hash
    INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
    WHERE g.kind = 'responses'
        AND (
            r.assessment_hash, r.respondent_hash, r.age_band, r.gender, r.device_type, r.status,
            r.completion_percentage, r.time_spent_seconds, r.created_at, r.completed_at, r.updated_at
        ) IS NOT DISTINCT FROM (
            p.assessment_hash, p.respondent_hash, p.age_band, p.gender, p.device_type, p.status,
            p.completion_percentage, p.time_spent_seconds, p.created_at, p.completed_at, p.updated_at
        )
        -- A response without a region has that of its assessment.
        AND (p.region = r.region OR (p.region = 'unknown' AND r.region = a.region))
    UNION ALL
    SELECT g.id
    FROM registered AS g
    INNER JOIN analytics.anonymized_question_responses AS s
        ON s.created_at = g.created_at AND s.response_hash = g.response_hash
    INNER JOIN internal.questions AS n ON n.question_id = s.question_id
    WHERE g.kind = 'question_responses'
        AND n.code = g.record ->> 'question_id' AND s.value = (g.record ->> 'value')::integer
    UNION ALL
    SELECT g.id
    FROM registered AS g
    INNER JOIN analytics.anonymized_assessment_scores AS s
        ON s.created_at = g.created_at AND s.response_hash = g.response_hash
    WHERE g.kind = 'scores'
        AND s.dimension::text = g.record ->> 'dimension'
        AND s.score = (g.record ->> 'score')::double precision
    UNION ALL
    SELECT g.id
    FROM registered AS g
    CROSS JOIN LATERAL jsonb_populate_record(NULL::internal.ai_validations, g.record) AS p
    INNER JOIN internal.ai_validations AS v
        ON v.created_at = g.created_at AND v.response_hash = g.response_hash
    WHERE g.kind = 'ai_validations'
        AND (v.dimension, v.primary_model, v.secondary_model, v.primary_score, v.secondary_score)
        IS NOT DISTINCT FROM (p.dimension, p.primary_model, p.secondary_model, p.primary_score, p.secondary_score)
)
UPDATE internal.quarantine AS q
SET status = 'settled', settled_at = now(), settled_by = %(batch_id)s
FROM taken AS t
WHERE q.id = t.id
