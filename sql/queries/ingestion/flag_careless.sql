-- flag_careless: flags stored responses whose answers came with a later batch.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text), pattern (boolean []),
--             answered (integer []), seconds_per_answer (double precision).
UPDATE analytics.anonymized_assessment_responses AS r
SET is_careless = k.pattern OR coalesce(
        k.answered > 0 AND r.time_spent_seconds < k.answered * %(seconds_per_answer)s, FALSE
    )
FROM unnest(
    %(ids)s::uuid [], %(created)s::timestamptz [], %(pattern)s::boolean [], %(answered)s::integer []
) AS k (id, created_at, pattern, answered)
WHERE r.created_at = k.created_at AND r.id = k.id
