-- retention_month: the raw rows of a month that have expired, counted, and what is known of the month.
-- Parameters: start, end (timestamptz, half-open), month, next_month (date), last_batch (bigint),
--             is_whole (boolean: nothing arrived later, all rows count).
-- Row: batches (bigint []), unsealed (responses in no sealed state),
--      touched_days, then the rows of each of the five tables.
WITH r AS (
    SELECT p.created_at, p.id, p.batch_id
    FROM analytics.anonymized_assessment_responses AS p
    WHERE p.created_at >= %(start)s AND p.created_at < %(end)s AND p.batch_id <= %(last_batch)s
),
sealed AS (
    SELECT max(m.last_batch) AS last_batch FROM internal.sealed_months AS m WHERE m.month = %(month)s
)

SELECT
    (SELECT coalesce(array_agg(DISTINCT r.batch_id ORDER BY r.batch_id), '{}') FROM r) AS batches,
    (
        SELECT count(*) FROM r WHERE r.batch_id > coalesce((SELECT s.last_batch FROM sealed AS s), 0)
    ) AS unsealed,
    (
        SELECT count(DISTINCT t.day) FROM internal.touched_days AS t
        WHERE t.day >= %(month)s AND t.day < %(next_month)s
    ) AS touched_days,
    (SELECT count(*) FROM r) AS responses,
    (
        SELECT count(*) FROM analytics.anonymized_question_responses AS q
        WHERE q.created_at >= %(start)s AND q.created_at < %(end)s AND (
            %(is_whole)s::boolean
            OR EXISTS (SELECT 1 FROM r WHERE r.created_at = q.created_at AND r.id = q.response_hash)
        )
    ) AS answers,
    (
        SELECT count(*) FROM analytics.anonymized_assessment_scores AS s
        WHERE s.created_at >= %(start)s AND s.created_at < %(end)s AND (
            %(is_whole)s::boolean
            OR EXISTS (SELECT 1 FROM r WHERE r.created_at = s.created_at AND r.id = s.response_hash)
        )
    ) AS scores,
    (
        SELECT count(*) FROM internal.ai_validations AS v
        WHERE v.created_at >= %(start)s AND v.created_at < %(end)s AND (
            %(is_whole)s::boolean
            OR EXISTS (SELECT 1 FROM r WHERE r.created_at = v.created_at AND r.id = v.response_hash)
        )
    ) AS validations,
    (
        SELECT count(*) FROM internal.answer_vectors AS v
        WHERE v.created_at >= %(start)s AND v.created_at < %(end)s AND (
            %(is_whole)s::boolean
            OR EXISTS (SELECT 1 FROM r WHERE r.created_at = v.created_at AND r.id = v.response_hash)
        )
    ) AS vectors
